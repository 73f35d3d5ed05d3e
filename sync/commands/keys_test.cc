#include "sync/commands/test_support.h"

namespace lockstep::commands {
namespace {

TEST(Keys, OneKey) {
  EXPECT_EQ(keys_of("GET k"), "k");
  EXPECT_EQ(keys_of("SET k v EX 1"), "k*");
  EXPECT_EQ(keys_of("GETEX k PERSIST"), "k*");
  EXPECT_EQ(keys_of("XGROUP CREATE k g $ MKSTREAM"), "k*");
  EXPECT_EQ(keys_of("OBJECT ENCODING k"), "k");
  EXPECT_EQ(keys_of("PFCOUNT k"), "k*");
}

TEST(Keys, Ranges) {
  EXPECT_EQ(keys_of("DEL a b c"), "a* b* c*");
  EXPECT_EQ(keys_of("MSET a 1 b 2"), "a* b*");
  EXPECT_EQ(keys_of("MSETNX a 1 b 2"), "a* b*");
  EXPECT_EQ(keys_of("BLPOP a b 0"), "a* b*");
  EXPECT_EQ(keys_of("MGET a b"), "a b");
}

TEST(Keys, SourceAndDestination) {
  EXPECT_EQ(keys_of("RENAME a b"), "a* b*");
  EXPECT_EQ(keys_of("SMOVE a b m"), "a* b*");
  EXPECT_EQ(keys_of("LMOVE a b LEFT RIGHT"), "a* b*");
  EXPECT_EQ(keys_of("RPOPLPUSH a b"), "a* b*");
  EXPECT_EQ(keys_of("COPY a b REPLACE"), "a b*");
  EXPECT_EQ(keys_of("SUNIONSTORE d a b"), "d* a b");
  EXPECT_EQ(keys_of("PFMERGE d a b"), "d* a b");
  EXPECT_EQ(keys_of("PFMERGE d"), "d*");
  EXPECT_EQ(keys_of("BITOP AND d a b"), "d* a b");
  EXPECT_EQ(keys_of("ZRANGESTORE d a 0 -1"), "d* a");
  EXPECT_EQ(keys_of("GEOSEARCHSTORE d a FROMMEMBER m BYRADIUS 1 m"), "d* a");
}

TEST(Keys, OtherDatabase) {
  const auto other = [](const std::string& line) -> int64_t {
    const Request request(line);
    const auto db = other_database(*find(request.args), request.args);
    return db ? int64_t{db->value} : -1;
  };
  EXPECT_EQ(other("MOVE a 3"), 3);
  EXPECT_EQ(other("COPY a 7 REPLACE db 2"), 2);
  EXPECT_EQ(other("COPY a 7 REPLACE"), -1);
  EXPECT_EQ(other("COPY a b DB"), -1);
  EXPECT_EQ(other("MOVE a -1"), -1);
  EXPECT_EQ(other("RENAME a 3"), -1);
}

TEST(Keys, Counted) {
  EXPECT_EQ(keys_of("ZUNIONSTORE d 2 a b WEIGHTS 1 2"), "d* a b");
  EXPECT_EQ(keys_of("LMPOP 2 a b LEFT"), "a* b*");
  EXPECT_EQ(keys_of("BZMPOP 0 1 a MIN"), "a*");
  EXPECT_EQ(keys_of("SINTERCARD 2 a b LIMIT 1"), "a b");
  EXPECT_EQ(keys_of("EVAL s 2 a b x"), "a* b*");
  EXPECT_EQ(keys_of("EVAL_RO s 1 a"), "a");
  EXPECT_EQ(keys_of("FCALL f 0 x y"), "");
  EXPECT_EQ(keys_of("MSETEX 2 a 1 b 2 EX 10"), "a* b*");
}

TEST(Keys, StoreOption) {
  EXPECT_EQ(keys_of("SORT a BY w_* LIMIT 0 5 GET # STORE d"), "a d*");
  EXPECT_EQ(keys_of("SORT a BY store STORE d"), "a d*");
  EXPECT_EQ(keys_of("SORT a STORE d STORE e"), "a e*");
  EXPECT_EQ(keys_of("SORT a"), "a");
  EXPECT_EQ(keys_of("GEORADIUS a 1 2 3 m COUNT 3 STORE d"), "a d*");
  EXPECT_EQ(keys_of("GEORADIUSBYMEMBER a store 3 m STOREDIST d"), "a d*");
  EXPECT_EQ(keys_of("GEORADIUS_RO a 1 2 3 m"), "a");
}

TEST(Keys, Streams) {
  EXPECT_EQ(keys_of("XREAD COUNT 1 BLOCK 0 STREAMS a b 0 0"), "a b");
  EXPECT_EQ(keys_of("XREADGROUP GROUP streams c NOACK STREAMS a b > >"), "a* b*");
  EXPECT_EQ(keys_of("XREAD STREAMS a b 0"), "malformed");
  EXPECT_EQ(keys_of("XREAD COUNT 1 NOSUCH a 0"), "malformed");
}

TEST(Keys, Migrate) {
  EXPECT_EQ(keys_of("MIGRATE h 1 k 0 10 COPY"), "k*");
  EXPECT_EQ(keys_of("MIGRATE h 1 '' 0 10 AUTH keys KEYS a b"), "a* b*");
  EXPECT_EQ(keys_of("MIGRATE h 1 k 0 10 KEYS a b"), "malformed");
}

TEST(Keys, MalformedRequests) {
  EXPECT_EQ(keys_of("GET"), "malformed");
  EXPECT_EQ(keys_of("GET a b"), "malformed");
  EXPECT_EQ(keys_of("MSET a 1 b"), "malformed");
  EXPECT_EQ(keys_of("ZUNIONSTORE d 0 WEIGHTS"), "malformed");
  EXPECT_EQ(keys_of("EVAL s 3 a b"), "malformed");
  EXPECT_EQ(keys_of("EVAL s -1 a b"), "malformed");
  EXPECT_EQ(keys_of("EVAL s 9223372036854775807 a"), "malformed");
  EXPECT_EQ(keys_of("ZUNIONSTORE d x a"), "malformed");
  EXPECT_EQ(keys_of("SORT a STORE"), "malformed");
  EXPECT_EQ(keys_of("SDIFFSTORE d"), "malformed");
}

/// Words that mean something to some command, so that random requests reach every branch.
rc::Gen<std::string> word() {
  return rc::gen::weightedOneOf<std::string>(
      {{4, rc::gen::element<std::string>(
               "STORE", "store", "STREAMS", "KEYS", "GROUP", "COUNT", "BY", "LIMIT", "GET", "NX",
               "EX", "PXAT", "REPLACE", "ABSTTL", "", "AUTH2", "=", "MINID", "FIELDS", "1-1", "*")},
       {3, rc::gen::map(rc::gen::inRange(-3, 9), [](int n) { return std::to_string(n); })},
       {1, rc::gen::arbitrary<std::string>()}});
}

RC_GTEST_PROP(KeysProperty, StayWithinTheArguments, ()) {
  const auto row = *rc::gen::inRange<size_t>(0, all().size());
  const Spec& spec = all()[row];
  Request name{std::string(spec.name)};
  std::vector<std::string> words = name.texts;
  for (std::string& tail : *rc::gen::container<std::vector<std::string>>(word())) {
    words.push_back(std::move(tail));
  }
  const Request request(std::move(words));
  std::vector<KeyRef> keys = {{99, true}};
  const bool found = find_keys(spec, request.args, keys);
  RC_ASSERT(found || keys.empty());
  for (size_t i = 0; i < keys.size(); ++i) {
    RC_ASSERT(keys[i].argument > 0 && keys[i].argument < request.args.size());
    // Not `i == 0 || …`: RC_ASSERT evaluates both sides to print them.
    if (i > 0) RC_ASSERT(keys[i - 1].argument < keys[i].argument);
  }
  const auto single = single_key(spec, request.args);
  if (single) RC_ASSERT(keys == std::vector<KeyRef>{*single});
  replay(spec, request.args);
  std::string out = "before";
  if (rewrite_expiry(spec, request.args, {}, out) == 0) RC_ASSERT(out == "before");
}

Slot fake_slot(Bytes key) { return {static_cast<uint16_t>(key.empty() ? 0 : key[0] % 3)}; }

std::vector<std::string> split(const std::string& line) {
  const Request request(line);
  std::vector<std::string> parts;
  const auto sink = [&](Slot slot, std::span<const Bytes> args) {
    std::string text = std::to_string(slot.value);
    for (const Bytes arg : args) text += " " + std::string(arg);
    parts.push_back(text);
  };
  if (!split_by_slot(*find(request.args), request.args, fake_slot, sink)) return {"refused"};
  return parts;
}

TEST(Split, BySlotInOrder) {
  // 'a' % 3 == 1, 'b' % 3 == 2, 'c' % 3 == 0
  EXPECT_EQ(split("DEL a1 b1 a2 c1"),
            (std::vector<std::string>{"0 DEL c1", "1 DEL a1 a2", "2 DEL b1"}));
  EXPECT_EQ(split("mset a1 1 b1 2 a1 3"),
            (std::vector<std::string>{"1 mset a1 1 a1 3", "2 mset b1 2"}));
  EXPECT_EQ(split("UNLINK a"), (std::vector<std::string>{"1 UNLINK a"}));
}

TEST(Split, RefusesOthers) {
  EXPECT_EQ(split("MSETNX a 1 b 2"), (std::vector<std::string>{"refused"}));
  EXPECT_EQ(split("RENAME a b"), (std::vector<std::string>{"refused"}));
  EXPECT_EQ(split("MSET a 1 b"), (std::vector<std::string>{"refused"}));
}

}  // namespace
}  // namespace lockstep::commands
