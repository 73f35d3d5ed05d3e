#include "verifier/test_plants.h"

namespace lockstep::verifier {

namespace {

using Words = std::vector<std::string>;
using Commands = Plant::Commands;

const Words entry{"XADD", "KEY", "5-1", "field", "value"};
const Words second_entry{"XADD", "KEY", "6-1", "field", "value"};
const Words group{"XGROUP", "CREATE", "KEY", "group", "0"};
const Words delivered{"XREADGROUP", "GROUP", "group", "alice", "COUNT", "1", "STREAMS", "KEY", ">"};
const Commands stream{entry, second_entry, group, delivered};
const Commands expiring{{"SET", "KEY", "value"}, {"PEXPIREAT", "KEY", "4000000000000"}};

Commands many_members(const char* command, int count, bool scores) {
  Words words{command, "KEY"};
  for (int i = 0; i < count; ++i) {
    if (scores) words.push_back(std::to_string(i) + ".5");
    words.push_back("member " + std::to_string(i));
    if (words[0] == "HSET") words.push_back(std::to_string(i));
  }
  return {words};
}

std::vector<Plant> strings_and_keys() {
  const Commands string{{"SET", "KEY", "some text"}};
  return {
      {"missing", 208, string, {{"DEL", "KEY"}}, DiffClass::missing},
      {"extra", 208, {}, {{"SET", "KEY", "x"}}, DiffClass::extra},
      {"type",
       208,
       string,
       {{"DEL", "KEY"}, {"RPUSH", "KEY", "some text"}},
       DiffClass::type,
       "string against list"},
      {"one bit", 208, string, {{"SETBIT", "KEY", "15", "0"}}, DiffClass::value, "byte 1"},
      {"one byte more", 208, string, {{"APPEND", "KEY", "!"}}, DiffClass::value, "byte 9"},
      {"integer", 208, {{"SET", "KEY", "12345"}}, {{"INCR", "KEY"}}, DiffClass::value},
      {"expiry beyond the tolerance",
       208,
       expiring,
       {{"PEXPIREAT", "KEY", "4000000001201"}},
       DiffClass::expiry},
      {"expiry within the tolerance", 208, expiring, {{"PEXPIREAT", "KEY", "4000000000700"}}, {}},
      {"expiry only in the source", 208, expiring, {{"PERSIST", "KEY"}}, DiffClass::expiry},
      {"expiry only in the target",
       208,
       string,
       {{"PEXPIREAT", "KEY", "4000000000000"}},
       DiffClass::expiry},
      {"cached cardinality", 209, {{"PFADD", "KEY", "a", "b", "c"}}, {{"PFCOUNT", "KEY"}}, {}},
      {"encoding of a HyperLogLog",
       209,
       {{"PFADD", "KEY", "a", "b", "c"}},
       {{"PFDEBUG", "TODENSE", "KEY"}},
       {}},
      {"dense HyperLogLog with another cardinality cached",
       209,
       {{"PFADD", "KEY", "a", "b", "c"}},
       {{"PFDEBUG", "TODENSE", "KEY"}, {"PFCOUNT", "KEY"}},
       {}},
      {"text that only looks like a HyperLogLog",
       208,
       {{"SET", "KEY", "HYLL0123abcdefgh and more"}},
       {{"SETRANGE", "KEY", "9", "x"}},
       DiffClass::value,
       "byte 9"},
      {"register",
       209,
       {{"PFADD", "KEY", "a", "b", "c"}},
       {{"PFADD", "KEY", "d"}},
       DiffClass::value,
       "register "},
      {"register, sparse against dense",
       209,
       {{"PFADD", "KEY", "a", "b", "c"}},
       {{"PFDEBUG", "TODENSE", "KEY"}, {"PFADD", "KEY", "d"}},
       DiffClass::value,
       "register "},
  };
}

std::vector<Plant> collections() {
  const Commands list{{"RPUSH", "KEY", "a", "b", "c"}};
  const Commands hash{{"HMSET", "KEY", "f", "1", "g", "2"}};
  const Commands numbers{{"SADD", "KEY", "1", "2", "3"}};
  return {
      {"order of a list",
       208,
       list,
       {{"LSET", "KEY", "0", "b"}, {"LSET", "KEY", "1", "a"}},
       DiffClass::value,
       "element 0"},
      {"list item", 208, list, {{"RPOP", "KEY"}}, DiffClass::value, "element 2"},
      {"long list",
       208,
       many_members("RPUSH", 700, false),
       {{"LSET", "KEY", "650", "x"}},
       DiffClass::value,
       "element 650"},
      {"set member", 208, numbers, {{"SREM", "KEY", "2"}}, DiffClass::value, "\"2\""},
      {"encoding of a set", 208, numbers, {{"SADD", "KEY", "x"}, {"SREM", "KEY", "x"}}, {}},
      {"large set",
       208,
       many_members("SADD", 700, false),
       {{"SREM", "KEY", "member 13"}, {"SADD", "KEY", "member x"}},
       DiffClass::value,
       "\"member 13\" only in the source"},
      {"hash field",
       208,
       hash,
       {{"HDEL", "KEY", "g"}},
       DiffClass::value,
       "field \"g\" only in the source"},
      {"hash value", 208, hash, {{"HSET", "KEY", "g", "3"}}, DiffClass::value, "field \"g\""},
      {"last bit of a score",
       208,
       {{"ZADD", "KEY", "1", "a", "2", "b"}},
       {{"ZADD", "KEY", "2.0000000000000004", "b"}},
       DiffClass::value,
       "score of \"b\""},
      {"minus zero", 208, {{"ZADD", "KEY", "0", "a"}}, {{"ZADD", "KEY", "-0", "a"}}, {}},
      {"large sorted set",
       208,
       many_members("ZADD", 700, true),
       {{"ZREM", "KEY", "member 699"}},
       DiffClass::value,
       "only in the source"},
      {"field expiry",
       704,
       {{"HSET", "KEY", "f", "1"}},
       {{"HPEXPIREAT", "KEY", "4000000000000", "FIELDS", "1", "f"}},
       DiffClass::field_expiry},
  };
}

std::vector<Plant> streams() {
  const auto meta = DiffClass::metadata;
  return {
      {"stream entry", 500, stream, {{"XADD", "KEY", "9-1", "f", "v"}}, DiffClass::value},
      {"empty stream missing",
       500,
       {{"XGROUP", "CREATE", "KEY", "group", "$", "MKSTREAM"}},
       {{"DEL", "KEY"}},
       DiffClass::missing},
      {"empty stream extra",
       500,
       {},
       {{"XGROUP", "CREATE", "KEY", "group", "$", "MKSTREAM"}},
       DiffClass::extra},
      {"last id", 500, stream, {{"XSETID", "KEY", "77-7"}}, meta, "last id"},
      {"greatest deleted id",
       700,
       stream,
       {{"XSETID", "KEY", "6-1", "ENTRIESADDED", "2", "MAXDELETEDID", "3-0"}},
       meta,
       "greatest deleted id"},
      {"entries added",
       700,
       stream,
       {{"XSETID", "KEY", "6-1", "ENTRIESADDED", "9", "MAXDELETEDID", "0-0"}},
       meta,
       "entries added"},
  };
}

std::vector<Plant> groups() {
  const auto meta = DiffClass::metadata;
  return {
      {"entries read of a group",
       702,
       stream,
       {{"XGROUP", "SETID", "KEY", "group", "5-1", "ENTRIESREAD", "2"}},
       meta,
       "entries read"},
      {"group missing",
       500,
       stream,
       {{"XGROUP", "DESTROY", "KEY", "group"}},
       meta,
       "group \"group\""},
      {"group's last id",
       500,
       stream,
       {{"XGROUP", "SETID", "KEY", "group", "6-1"}},
       meta,
       "last delivered id"},
      {"consumer without entries",
       602,
       stream,
       {{"XGROUP", "CREATECONSUMER", "KEY", "group", "bob"}},
       meta,
       "\"bob\""},
      {"deliveries of a pending entry",
       500,
       stream,
       {{"XCLAIM", "KEY", "group", "alice", "0", "5-1", "RETRYCOUNT", "7"}},
       meta,
       "delivered 7 times"},
      {"owner of a pending entry",
       500,
       stream,
       {{"XCLAIM", "KEY", "group", "bob", "0", "5-1"}},
       meta},
      {"pending entry missing", 500, stream, {{"XACK", "KEY", "group", "5-1"}}, meta, "pending"},
  };
}

std::vector<Plant> all() {
  std::vector<Plant> result = strings_and_keys();
  for (const Plant& plant : collections()) result.push_back(plant);
  for (const Plant& plant : streams()) result.push_back(plant);
  for (const Plant& plant : groups()) result.push_back(plant);
  return result;
}

}  // namespace

const std::vector<Plant>& plants() {
  static const std::vector<Plant> table = all();
  return table;
}

}  // namespace lockstep::verifier
