// Rewritten requests do on a real server what the originals do, with the expiry moved by the grace.
#include "fixtures/test_server.h"
#include "sync/commands/test_server_state.h"
#include "sync/commands/test_support.h"

namespace lockstep::commands {
namespace {

using fixtures::for_each_server;
using fixtures::TestServer;

using Words = std::vector<std::string>;
constexpr int64_t day_ms = 86400000;

// %k the key, %d a DUMP payload, %t and %s a time ten days from now in milliseconds and seconds.
const Words forms = {"EXPIRE %k 864000",
                     "PEXPIRE %k 864000000",
                     "EXPIREAT %k %s",
                     "PEXPIREAT %k %t",
                     "PEXPIREAT %k %t NX",
                     "SETEX %k 864000 new",
                     "PSETEX %k 864000000 new",
                     "SET %k new EX 864000",
                     "SET %k new PX 864000000 XX",
                     "SET %k new EXAT %s",
                     "SET %k new GET PXAT %t",
                     "SET %k new IFEQ old PXAT %t",
                     "GETEX %k EX 864000",
                     "GETEX %k PXAT %t",
                     "MSETEX 1 %k new XX EX 864000",
                     "RESTORE %k 864000000 %d REPLACE",
                     "RESTORE %k %t %d REPLACE ABSTTL"};

class Rewriting {
 public:
  explicit Rewriting(TestServer& server) : server_(server) {
    server.ask({"SET", "key", "new"});
    payload_ = server.ask({"DUMP", "key"}).text;
    now_ms_ = std::stoll(server.ask({"TIME"}).items.at(0).text) * 1000;
    knows_pxat_ =
        !server.ask({"SET", "key", "v", "PXAT", std::to_string(now_ms_ + day_ms)}).is_error();
  }

  bool knows_pxat() const { return knows_pxat_; }

  /// The original; false if the server does not know it.
  bool original(const std::string& form) {
    reset();
    return !server_.ask(fill(form)).is_error();
  }

  /// What is sent instead, each reply checked.
  void rewritten(const std::string& form, bool pxat) {
    reset();
    const Request request(fill(form));
    std::string wire;
    const ExpiryRewrite rewrite{
        .now_ms = now_ms_, .grace_ms = day_ms, .target_supports_pxat = pxat};
    const size_t count = rewrite_expiry(*find(request.args), request.args, rewrite, wire);
    ASSERT_GT(count, 0u) << form;
    for (const resp::Value& reply : server_.pipeline(wire, count)) {
      EXPECT_FALSE(reply.is_error()) << form << ": " << reply.text;
    }
    EXPECT_EQ(text_of(server_.ask({"PING"})), "PONG") << "more replies than promised";
  }

  std::string value() { return server_.ask({"GET", "key"}).text; }
  int64_t days_left() { return (server_.ask({"PTTL", "key"}).integer + day_ms / 2) / day_ms; }

 private:
  void reset() { server_.ask({"SET", "key", "old"}); }

  Words fill(const std::string& form) const {
    Words words = Request(form).texts;
    for (std::string& word : words) {
      if (word == "%k") word = "key";
      if (word == "%d") word = payload_;
      if (word == "%t") word = std::to_string(now_ms_ + 10 * day_ms);
      if (word == "%s") word = std::to_string((now_ms_ + 10 * day_ms) / 1000);
    }
    return words;
  }

  TestServer& server_;
  std::string payload_;
  int64_t now_ms_ = 0;
  bool knows_pxat_ = false;
};

void check_form(Rewriting& rewriting, const std::string& form, bool pxat) {
  ASSERT_TRUE(rewriting.original(form)) << form;
  const std::string value = rewriting.value();
  EXPECT_EQ(rewriting.days_left(), 10) << form;
  rewriting.rewritten(form, pxat);
  EXPECT_EQ(rewriting.value(), value) << form;
  EXPECT_EQ(rewriting.days_left(), 11) << form;
}

TEST(RewriteExpiry, DoesWhatTheOriginalDoes) {
  for_each_server([](TestServer& server) {
    SCOPED_TRACE(server.name());
    Rewriting rewriting(server);
    size_t checked = 0;
    for (const std::string& form : forms) {
      if (!rewriting.original(form)) continue;  // not known to this version
      check_form(rewriting, form, false);
      if (rewriting.knows_pxat()) check_form(rewriting, form, true);
      ++checked;
    }
    EXPECT_GE(checked, 8u);
  });
}

/// A stream of a new source, played to an old server in the forms for old ones.
TEST(RewriteExpiry, OldTargetsUnderstandIt) {
  for_each_server([](TestServer& server) {
    SCOPED_TRACE(server.name());
    Rewriting rewriting(server);
    const bool replaces = rewriting.original("RESTORE %k 864000000 %d REPLACE");  // since 3.0
    Words new_forms = {"SET %k new PXAT %t", "SET %k new EXAT %s", "GETEX %k PXAT %t"};
    if (replaces) new_forms.push_back("RESTORE %k %t %d REPLACE ABSTTL");
    for (const std::string& form : new_forms) {
      rewriting.rewritten(form, rewriting.knows_pxat());
      EXPECT_EQ(rewriting.days_left(), 11) << form;
    }
  });
}

}  // namespace
}  // namespace lockstep::commands
