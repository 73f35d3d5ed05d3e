// What replay() promises, against real servers: a window of a stream is applied, then applied again
// from its beginning to a state that has an unknown part of it.
#include <set>

#include "fixtures/test_server.h"
#include "sync/commands/test_server_state.h"
#include "sync/commands/test_support.h"

namespace lockstep::commands {
namespace {

using fixtures::for_each_server;
using fixtures::TestServer;

using Words = std::vector<std::string>;

// %k a key, %m an element, %v a value, %n a small number, %i a stream id, %t and %s an expiry in
// milliseconds and seconds, %d a DUMP payload.
const Words exact_forms = {"SET %k %v",
                           "SET %k %v PXAT %t",
                           "SET %k %v EXAT %s",
                           "SET %k %v KEEPTTL",
                           "MSET %k %v %k %v",
                           "MSETEX 1 %k %v PXAT %t",
                           "GETSET %k %v",
                           "GETDEL %k",
                           "DEL %k",
                           "DEL %k %k",
                           "UNLINK %k",
                           "RESTORE %k 0 %d REPLACE",
                           "RESTORE %k %t %d REPLACE ABSTTL",
                           "RESTORE-ASKING %k 0 %d REPLACE",
                           "SETBIT %k %n 1",
                           "SETRANGE %k %n %v",
                           "BITFIELD %k SET u8 %n %n",
                           "PFADD %k %m",
                           "HSET %k %m %v",
                           "HMSET %k %m %v %m %v",
                           "HSETEX %k FIELDS 1 %m %v",
                           "SADD %k %m %m",
                           "ZADD %k %n %m",
                           "ZADD %k CH %n %m",
                           "GEOADD %k %n %n %m",
                           "LSET %k %n %v",
                           "XADD %k %i f %v",
                           "XADD %k MAXLEN = 3 %i f %v",
                           "XDEL %k %i",
                           "XACK %k g %i",
                           "XGROUP CREATECONSUMER %k g c2",
                           "XGROUP DELCONSUMER %k g c1",
                           "XGROUP DESTROY %k g",
                           "FLUSHALL",
                           "FLUSHDB"};

const Words expiry_forms = {"SREM %k %m",
                            "HDEL %k %m",
                            "HGETDEL %k FIELDS 1 %m",
                            "ZREM %k %m",
                            "ZREMRANGEBYSCORE %k %n %n",
                            "ZREMRANGEBYLEX %k [a [b",
                            "SET %k %v PX 900000000",
                            "SETEX %k 900000 %v",
                            "PSETEX %k 900000000 %v",
                            "MSETEX 1 %k %v EX 900000",
                            "RESTORE %k 900000000 %d REPLACE",
                            "HSETEX %k PXAT %t FIELDS 1 %m %v"};

/// What a state is made of, besides the forms above.
const Words setup_forms = {"RPUSH %k a b c d e f g h i j",
                           "PEXPIREAT %k %t",
                           "XGROUP CREATE %k g 0 MKSTREAM",
                           "XREADGROUP GROUP g c1 COUNT 2 STREAMS %k >",
                           "SADD %k a",
                           "HSET %k a 1",
                           "ZADD %k 1 a",
                           "XADD %k 1-1 f v"};

bool in_class(Replay wanted, const std::string& form) {
  const Request request(form);
  const Spec* spec = find(request.args);
  return spec != nullptr && replay(*spec, request.args) == wanted;
}

TEST(ReplayForms, AreOfTheirClass) {
  for (const std::string& form : exact_forms) {
    const bool id = form.find("%i") != std::string::npos;  // no stream id before it is filled in
    EXPECT_TRUE(id || in_class(Replay::exact, form)) << form;
  }
  for (const std::string& form : expiry_forms) EXPECT_TRUE(in_class(Replay::expiry, form)) << form;
}

TEST(ReplayForms, CoverEveryWriteThatIsReplayed) {
  std::set<Bytes> covered;
  for (const Words* forms : {&exact_forms, &expiry_forms}) {
    for (const std::string& form : *forms) covered.insert(find(Request(form).args)->name);
  }
  for (const Spec& spec : all()) {
    if (!spec.write || spec.replay == Replay::fence || spec.scope == Scope::script) continue;
    EXPECT_TRUE(covered.contains(spec.name)) << spec.name;
  }
}

/// Fills in a form. Payloads and times are those of the server under test.
class Filler {
 public:
  Filler(const Words* payloads, int64_t now_ms) : payloads_(payloads), base_s_(now_ms / 1000) {}

  Words fill(const std::string& form) const {
    Words words = Request(form).texts;
    for (std::string& word : words) {
      if (word.size() == 2 && word[0] == '%') word = value(word[1]);
    }
    return words;
  }

 private:
  std::string value(char kind) const {
    const auto pick = [](int n) { return *rc::gen::inRange(0, n); };
    const auto later = [&] {
      return base_s_ + 1000000 * (1 + pick(3));
    };  // far apart from each other
    switch (kind) {
      case 'k':
        return std::string(1, static_cast<char>('p' + pick(2)));
      case 'm':
        return std::string(1, static_cast<char>('a' + pick(3)));
      case 'v':
        return std::string(static_cast<size_t>(1 + pick(3)), static_cast<char>('u' + pick(3)));
      case 'i':
        return std::to_string(1 + pick(6)) + "-1";
      case 't':
        return std::to_string(later() * 1000);
      case 's':
        return std::to_string(later());
      case 'd':
        return (*payloads_)[static_cast<size_t>(pick(static_cast<int>(payloads_->size())))];
      default:
        return std::to_string(pick(8));
    }
  }

  const Words* payloads_;
  int64_t base_s_;
};

using Script = std::vector<Words>;

Script pick_script(const Filler& filler, const Words& forms) {
  Script script;
  const int length = *rc::gen::inRange(1, 14);
  for (int i = 0; i < length; ++i) script.push_back(filler.fill(*rc::gen::elementOf(forms)));
  return script;
}

Words concat(std::initializer_list<const Words*> parts) {
  Words all_forms;
  for (const Words* part : parts) all_forms.insert(all_forms.end(), part->begin(), part->end());
  return all_forms;
}

/// A server's state after scripts, from nothing.
class Replayer {
 public:
  explicit Replayer(TestServer& server) : server_(server), payloads_(make_payloads()) {}

  Filler filler() const {
    return Filler(&payloads_, std::stoll(server_.ask({"TIME"}).items.at(0).text) * 1000);
  }

  void start(const Script& setup) {
    server_.ask({"FLUSHALL"});
    run(setup);
  }
  void run(const Script& script) {
    for (const Words& words : script) server_.ask(words);
  }
  /// Runs a script and returns what of it a stream would hold: what changed something.
  Script run_effective(const Script& script) {
    Script effective;
    for (const Words& words : script) {
      const std::string before = changes();
      server_.ask(words);
      if (changes() != before) effective.push_back(words);
    }
    return effective;
  }
  std::string state(bool with_expiry) {
    if (!with_expiry) forget_expiries();
    return server_state(server_);
  }

 private:
  Words make_payloads() {
    Words payloads;
    start({{"SET", "p", "uuu"}, {"SADD", "q", "a", "z"}, {"RPUSH", "l", "x", "y"}});
    for (const char* key : {"p", "q", "l"}) payloads.push_back(server_.ask({"DUMP", key}).text);
    return payloads;
  }
  std::string changes() {
    const std::string info = server_.ask({"INFO", "persistence"}).text;
    const size_t at = info.find("rdb_changes_since_last_save");
    return info.substr(at, info.find('\r', at) - at);
  }
  void forget_expiries() {
    for (const resp::Value& key : server_.ask({"KEYS", "*"}).items)
      server_.ask({"PERSIST", key.text});
  }

  TestServer& server_;
  Words payloads_;
};

/// Without forms that crash a server: Valkey 9.0.0 loses track of a hash with expiring fields that
/// is overwritten, and the next HSETEX on it ends the process.
Words survivable(Words forms, TestServer& server) {
  if (server.name() != "valkey 9.0.0") return forms;
  std::erase_if(forms, [](const std::string& form) { return form.starts_with("HSETEX %k PXAT"); });
  return forms;
}

/// Applies a random window of `forms` to a random state, then, to the state that has only a part of
/// it, the whole window once more.
void check_window(Replayer& replayer, const Words& forms, bool with_expiry) {
  const Filler filler = replayer.filler();
  const Script setup = pick_script(filler, concat({&setup_forms, &forms, &setup_forms}));
  const Script candidates = pick_script(filler, forms);
  replayer.start(setup);
  const Script window = replayer.run_effective(candidates);
  const std::string once = replayer.state(with_expiry);

  const auto applied = *rc::gen::inRange<size_t>(0, window.size() + 1);
  replayer.start(setup);
  replayer.run(Script(window.begin(), window.begin() + static_cast<std::ptrdiff_t>(applied)));
  replayer.run(window);
  RC_LOG() << "setup " << rc::toString(setup) << "\nwindow " << rc::toString(window)
           << "\napplied before " << applied << "\n";
  RC_ASSERT(replayer.state(with_expiry) == once);
}

TEST(Replay, ExactFormsLeaveTheSameData) {
  for_each_server([](TestServer& server) {
    Replayer replayer(server);
    EXPECT_TRUE(rc::check(server.name(), [&] { check_window(replayer, exact_forms, true); }));
  });
}

TEST(Replay, WithExpiryFormsValuesAreTheSame) {
  for_each_server([](TestServer& server) {
    Replayer replayer(server);
    const Words forms = survivable(concat({&exact_forms, &expiry_forms}), server);
    EXPECT_TRUE(rc::check(server.name(), [&] { check_window(replayer, forms, false); }));
  });
}

/// Windows that a second application spoils: why their commands are not exact.
struct Spoiled {
  const char* setup;
  std::vector<const char*> window;
};
const Spoiled spoiled[] = {
    {"SADD k x", {"PEXPIREAT k 99999999999999", "SREM k x", "SADD k y"}},
    {"SADD a x", {"SUNIONSTORE d a", "SADD a y"}},
    {"SET k v", {"RENAME k other", "SET k w"}},
    {"SET a v", {"COPY a b REPLACE", "SET a w"}},
    {"SET k 1", {"INCR k"}},
    {"SET k v", {"APPEND k v"}},
    {"RPUSH k a b c d", {"LTRIM k 1 -1"}},
    {"RPUSH k a b c d", {"LPOP k"}},
    {"XADD k 1-1 f v", {"XTRIM k MAXLEN = 1", "XADD k 2-1 f v"}},
    {"XADD k 1-1 f v", {"XTRIM k MINID = 4-1", "XADD k 3-1 f v"}},
    {"XADD k 1-1 f v", {"XDEL k 1-1 2-1", "XADD k 2-1 f v"}},
    {"XADD k 1-1 f v", {"XGROUP CREATE k g 0", "XGROUP SETID k g $", "XADD k 2-1 f v"}},
};

TEST(Replay, FencedFormsWouldNot) {
  for_each_server([](TestServer& server) {
    Replayer replayer(server);
    for (const Spoiled& example : spoiled) {
      Script window;
      for (const char* line : example.window) window.push_back(Request(line).texts);
      replayer.start({Request(example.setup).texts});
      if (replayer.run_effective(window) != window)
        continue;  // a command that this version has not
      const std::string once = replayer.state(true);
      replayer.run(window);
      EXPECT_NE(replayer.state(true), once) << server.name() << " " << example.window.back();
    }
  });
}

}  // namespace
}  // namespace lockstep::commands
