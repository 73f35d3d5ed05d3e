// The keys that find_keys() learns against COMMAND GETKEYS and COMMAND GETKEYSANDFLAGS.
#include <algorithm>
#include <map>
#include <set>

#include "fixtures/test_server.h"
#include "sync/commands/test_command_info.h"
#include "sync/commands/test_support.h"

namespace lockstep::commands {
namespace {

using fixtures::for_each_server;
using fixtures::TestServer;

using Find = KeyRule::Find;
using Words = std::vector<std::string>;

std::string fresh_key() { return "k" + std::to_string(*rc::gen::inRange(0, 6)); }

void put(Words& words, size_t at, std::string text) {
  if (at >= words.size()) words.resize(at + 1, "0");
  words[at] = std::move(text);
}

std::string store_word(const KeyRule& rule) {
  return rule.find == Find::geo_store && *rc::gen::arbitrary<bool>() ? "STOREDIST" : "STORE";
}

/// Writes arguments that satisfy one rule of the table.
void put_rule(const KeyRule& rule, Words& words) {
  const size_t count = *rc::gen::inRange<size_t>(1, 4);
  if (rule.find == Find::range) {
    const size_t last =
        rule.last > 0 ? static_cast<size_t>(rule.last) : rule.first + count * rule.step - 1;
    for (size_t i = rule.first; i <= last; i += rule.step) put(words, i, fresh_key());
    if (rule.last == -2) words.push_back("0");
    if (rule.step == 2 && words.size() % 2 == 0) words.push_back("value");
  } else if (rule.find == Find::counted) {
    put(words, rule.first, std::to_string(count));
    for (size_t i = 0; i < count; ++i) put(words, rule.first + 1 + i * rule.step, fresh_key());
    if (rule.step == 2) words.push_back("value");
  } else if (rule.find == Find::sort_store || rule.find == Find::geo_store) {
    words.resize(std::max<size_t>(words.size(), rule.first), "0");
    if (*rc::gen::arbitrary<bool>()) words.insert(words.end(), {store_word(rule), fresh_key()});
  } else if (rule.find == Find::streams) {
    words.resize(rule.first);
    if (rule.first == 4) words[1] = "GROUP";
    words.push_back("STREAMS");
    for (size_t i = 0; i < count; ++i) words.push_back(fresh_key());
    words.insert(words.end(), count, "0");
  } else if (rule.find == Find::migrated && *rc::gen::arbitrary<bool>()) {
    put(words, rule.first, "");
    put(words, 5, "10");
    words.push_back("KEYS");
    for (size_t i = 0; i < count; ++i) words.push_back(fresh_key());
  } else if (rule.find == Find::stralgo) {
    put(words, 1, "LCS");
    words.insert(words.end(), {"KEYS", fresh_key(), fresh_key()});
  }
}

Words name_of(const Spec& spec) { return Request(std::string(spec.name)).texts; }

/// A request of the form that the table gives its command.
Words formed(const Spec& spec) {
  Words words = name_of(spec);
  const size_t arity = static_cast<size_t>(std::abs(spec.arity));
  const bool tail = spec.keys[0].last < 0 || spec.keys[1].last < 0;
  for (const KeyRule& rule : spec.keys) put_rule(rule, words);
  if (!tail && words.size() < arity) words.resize(arity, "0");
  return words;
}

/// The same with some arguments changed, removed or added.
Words deformed(const Spec& spec) {
  Words words = formed(spec);
  // No STORE: of several the last counts, which COMMAND GETKEYS does not always know.
  const auto noise =
      rc::gen::element<std::string>("STREAMS", "KEYS", "GROUP", "COUNT", "BLOCK", "BY", "LIMIT",
                                    "GET", "", "AUTH", "AUTH2", "-1", "0", "1", "2", "7", "x");
  for (size_t i = name_of(spec).size(); i < words.size(); ++i) {
    if (*rc::gen::inRange(0, 4) == 0) words[i] = *noise;
  }
  for (int n = *rc::gen::inRange(0, 4); n > 0; --n) words.push_back(*noise);
  return words;
}

/// One key of an answer, ours or theirs.
struct Answer {
  bool known = true;  ///< false: the request has not the command's form
  std::multiset<std::pair<std::string, bool>> keys;
  friend bool operator==(const Answer&, const Answer&) = default;
};

void showValue(const Answer& answer, std::ostream& out) {
  if (!answer.known) out << "malformed";
  for (const auto& [key, written] : answer.keys) out << key << (written ? "* " : " ");
}

Answer ours(const Spec& spec, const Words& words, bool flags) {
  const Request request(words);
  std::vector<KeyRef> keys;
  Answer answer;
  answer.known = find_keys(spec, request.args, keys);
  for (const KeyRef& key : keys) answer.keys.insert({words[key.argument], flags && key.written});
  return answer;
}

bool writes(const resp::Value& flags) {
  return std::ranges::any_of(flags.items, [](const resp::Value& flag) {
    return flag.text == "RW" || flag.text == "OW" || flag.text == "RM";
  });
}

Answer theirs(const resp::Value& reply, bool flags) {
  Answer answer;
  if (reply.is_error()) {
    answer.known = reply.text.find("no key arguments") != std::string::npos;
    return answer;
  }
  for (const resp::Value& item : reply.items) {
    const bool plain = item.items.empty();  // without flags
    answer.keys.insert(
        {plain ? item.text : item.items.at(0).text, !plain && flags && writes(item.items.at(1))});
  }
  return answer;
}

/// Commands whose keys servers before 7.0 give wrongly or not at all (see
/// command_info_system_test.cc).
constexpr Bytes wrong_before_7[] = {"brpop",        "touch",   "exists",    "migrate",
                                    "memory usage", "xread",   "sort",      "xreadgroup",
                                    "pfdebug",      "pfcount", "georadius", "georadiusbymember"};

/// Deliberate differences in which keys are written.
bool flags_differ(const Spec& spec) {
  if (spec.name == "xreadgroup") return true;  // it changes the group, which is part of the key
  if (spec.name == "bitfield") return true;    // may write; the server looks at what it does
  return spec.name.starts_with('v') && !spec.write;  // vector sets: 8.2 declares them all alike
}

/// A server that can be asked, and the commands of the table that it can be asked about.
class Oracle {
 public:
  explicit Oracle(TestServer& server) : server_(server) {
    answers_ = !server.ask({"COMMAND", "GETKEYS", "GET", "k"}).is_error();  // not in 2.8
    flags_ = !server.ask({"COMMAND", "GETKEYSANDFLAGS", "GET", "k"}).is_error();
    for (Info& info : commands_of(server)) infos_[info.name] = info;
  }

  /// COMMAND GETKEYS of older servers can hang or crash on counts that do not fit.
  bool is_robust() const { return flags_; }

  std::vector<const Spec*> specs() const {
    std::vector<const Spec*> specs;
    for (const Spec& spec : all()) {
      const bool wrong =
          !flags_ && std::ranges::find(wrong_before_7, spec.name) != std::end(wrong_before_7);
      if (answers_ && !wrong && spec.scope == Scope::keys && info(spec)) specs.push_back(&spec);
    }
    return specs;
  }

  /// What the server says and what we say are the same. Where only one of us says malformed, the
  /// server must at least refuse to execute the request: then no stream holds it.
  void compare(const Spec& spec, const Words& words) {
    if (!info(spec)->takes(words.size())) return;
    RC_LOG() << rc::toString(words);
    Words question = {"COMMAND", flags_ ? "GETKEYSANDFLAGS" : "GETKEYS"};
    question.insert(question.end(), words.begin(), words.end());
    const bool flags = flags_ && !flags_differ(spec);
    const Answer expected = theirs(server_.ask(question), flags);
    const Answer found = ours(spec, words, flags);
    if (found.known != expected.known) {
      RC_ASSERT(server_.ask(words).is_error());
    } else {
      RC_ASSERT(found == expected);
    }
  }

 private:
  /// Before 7.0 a container stands for its subcommands.
  const Info* info(const Spec& spec) const {
    auto found = infos_.find(std::string(spec.name));
    if (found == infos_.end() && !flags_) found = infos_.find(name_of(spec)[0]);
    return found == infos_.end() ? nullptr : &found->second;
  }

  TestServer& server_;
  bool answers_ = false;
  bool flags_ = false;
  std::map<std::string, Info> infos_;
};

TEST(GetKeys, FormsOfTheTable) {
  for_each_server([](TestServer& server) {
    Oracle oracle(server);
    for (const Spec* spec : oracle.specs()) {
      const std::string title = server.name() + " " + std::string(spec->name);
      const bool held = rc::check(title, [&] { oracle.compare(*spec, formed(*spec)); });
      EXPECT_TRUE(held) << title;
    }
  });
}

TEST(GetKeys, FormsWithNoise) {
  for_each_server([](TestServer& server) {
    Oracle oracle(server);
    if (!oracle.is_robust()) return;
    for (const Spec* spec : oracle.specs()) {
      const std::string title = server.name() + " " + std::string(spec->name);
      const bool held = rc::check(title, [&] { oracle.compare(*spec, deformed(*spec)); });
      EXPECT_TRUE(held) << title;
    }
  });
}

}  // namespace
}  // namespace lockstep::commands
