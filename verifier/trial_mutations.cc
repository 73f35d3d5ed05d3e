#include "verifier/trial_mutations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sync/base/bytes.h"

namespace lockstep::verifier {

namespace {

using Type = TrialKey::Type;

/// What a mutation is made with. Each function below gives nullopt where it does not apply.
struct Context {
  const TrialKey& key;
  Random& random;
  const Abilities& abilities;

  Mutation change(DiffClass diff_class, std::string detail, std::vector<Words> commands) const {
    Mutation result{"", {}, {{key.db, key.name, diff_class, std::move(detail)}}};
    for (Words& words : commands) result.commands.push_back(key.request(std::move(words)));
    return result;
  }
  Mutation no_difference(std::vector<Words> commands) const {
    Mutation result = change(DiffClass::value, "", std::move(commands));
    result.expected.clear();
    return result;
  }
  size_t any() const { return random.below(key.items.size()); }
};
using Maybe = std::optional<Mutation>;
using Mutate = Maybe (*)(const Context&);

// Any key.

Maybe missing(const Context& c) { return c.change(DiffClass::missing, "", {{"DEL", c.key.name}}); }

Maybe other_type(const Context& c) {
  const std::string& name = c.key.name;
  const Words other =
      c.key.type == Type::list ? Words{"SET", name, "x"} : Words{"RPUSH", name, "x"};
  return c.change(DiffClass::type, "against", {{"DEL", name}, other});
}

Maybe other_database(const Context& c) {
  if (!c.abilities.databases) return std::nullopt;
  Mutation result = c.change(DiffClass::missing, "", {{"MOVE", c.key.name, "7"}});
  result.expected.push_back({DbIndex{7}, c.key.name, DiffClass::extra, ""});
  return result;
}

Mutation expire_at(const Context& c, int64_t ms) {
  return c.change(DiffClass::expiry, "", {{"PEXPIREAT", c.key.name, std::to_string(ms)}});
}

Maybe expiry_beyond(const Context& c) {
  if (!c.key.expire_at) return expire_at(c, 4'000'000'000'000);
  const int64_t apart = 1001 + c.abilities.expiry_error_ms();
  return expire_at(c, *c.key.expire_at + (c.random.one_in(2) ? apart : -apart));
}

Maybe expiry_within(const Context& c) {
  if (!c.key.expire_at) return std::nullopt;
  const int64_t apart = 1000 - c.abilities.expiry_error_ms();
  Mutation result = expire_at(c, *c.key.expire_at + (c.random.one_in(2) ? apart : -apart));
  result.expected.clear();
  return result;
}

Maybe no_expiry(const Context& c) {
  if (!c.key.expire_at) return std::nullopt;
  return c.change(DiffClass::expiry, "target none", {{"PERSIST", c.key.name}});
}

// Strings.

Maybe one_bit(const Context& c) {
  const size_t at = c.random.below(c.key.text.size());
  const auto bit = static_cast<unsigned>(c.random.below(8));
  const auto byte = static_cast<unsigned char>(c.key.text[at]);
  const bool was = (byte >> (7 - bit) & 1) != 0;
  return c.change(DiffClass::value, fmt::format("byte {}:", at),
                  {{"SETBIT", c.key.name, std::to_string(at * 8 + bit), was ? "0" : "1"}});
}

Maybe one_byte_more(const Context& c) {
  return c.change(DiffClass::value, fmt::format("byte {}:", c.key.text.size()),
                  {{"APPEND", c.key.name, std::string(1, '\0')}});
}

Maybe shorter(const Context& c) {
  const size_t length = c.random.below(c.key.text.size());
  std::vector<Words> commands{{"SET", c.key.name, c.key.text.substr(0, length)}};
  if (c.key.expire_at)
    commands.push_back({"PEXPIREAT", c.key.name, std::to_string(*c.key.expire_at)});
  return c.change(DiffClass::value, fmt::format("byte {}:", length), std::move(commands));
}

// HyperLogLogs. A hundred thousand more elements surely change a register; one of the first ten
// does in all but hopeless cases.

Maybe more_elements(const Context& c) {
  Words words{"PFADD", c.key.name};
  for (int i = 0; i < 50; ++i) words.push_back("other " + std::to_string(i));
  return c.change(DiffClass::value, "", {words});
}

Maybe counted(const Context& c) { return c.no_difference({{"PFCOUNT", c.key.name}}); }

// Lists.

/// The target's list becomes `changed` by `commands`.
Mutation list_change(const Context& c, const Words& changed, std::vector<Words> commands) {
  const auto [s, t] =
      std::mismatch(c.key.items.begin(), c.key.items.end(), changed.begin(), changed.end());
  return c.change(DiffClass::value, fmt::format("element {}:", s - c.key.items.begin()),
                  std::move(commands));
}

Maybe list_order(const Context& c) {
  const size_t a = c.any(), b = c.any();
  Words changed = c.key.items;
  std::swap(changed[a], changed[b]);
  if (changed == c.key.items) return std::nullopt;
  return list_change(c, changed,
                     {{"LSET", c.key.name, std::to_string(a), changed[a]},
                      {"LSET", c.key.name, std::to_string(b), changed[b]}});
}

Maybe list_element(const Context& c) {
  Words changed = c.key.items;
  const size_t at = c.any();
  changed[at] += 'x';
  return list_change(c, changed, {{"LSET", c.key.name, std::to_string(at), changed[at]}});
}

Maybe list_doubled(const Context& c) {
  Words changed = c.key.items;
  changed.push_back(changed.back());
  return list_change(c, changed, {{"RPUSH", c.key.name, changed.back()}});
}

Maybe list_shorter(const Context& c) {
  if (c.key.items.size() < 2) return std::nullopt;
  const Words changed(c.key.items.begin(), c.key.items.end() - 1);
  return list_change(c, changed, {{"RPOP", c.key.name}});
}

// Sets, hashes, sorted sets.

std::string quoted(const std::string& text) { return "\"" + printable(text, 60) + "\""; }

const char* adder(const TrialKey& key) {
  return key.type == Type::set ? "SADD" : key.type == Type::hash ? "HSET" : "ZADD";
}
const char* remover(const TrialKey& key) {
  return key.type == Type::set ? "SREM" : key.type == Type::hash ? "HDEL" : "ZREM";
}

Words adding(const TrialKey& key, const std::string& item) {
  if (key.type == Type::set) return {adder(key), key.name, item};
  if (key.type == Type::hash) return {adder(key), key.name, item, "1"};
  return {adder(key), key.name, "1", item};
}

Maybe member_missing(const Context& c) {
  if (c.key.items.size() < 2) return std::nullopt;
  const std::string& item = c.key.items[c.any()];
  return c.change(DiffClass::value, quoted(item) + " only in the source",
                  {{remover(c.key), c.key.name, item}});
}

Maybe member_extra(const Context& c) {
  return c.change(DiffClass::value, "\"zz\" only in the target", {adding(c.key, "zz")});
}

/// The same members in another encoding.
Maybe other_encoding(const Context& c) {
  const std::string large(200, 'z');
  return c.no_difference({adding(c.key, large), {remover(c.key), c.key.name, large}});
}

Maybe hash_value(const Context& c) {
  const size_t at = c.any();
  if (at == 0 && c.key.field_expire_at) return std::nullopt;  // HSET ends a field's expiry
  return c.change(DiffClass::value, "field " + quoted(c.key.items[at]),
                  {{"HSET", c.key.name, c.key.items[at], c.key.values[at] + "x"}});
}

Mutation field_expire_at(const Context& c, int64_t ms) {
  return c.change(
      DiffClass::field_expiry, quoted(c.key.items.front()),
      {{"HPEXPIREAT", c.key.name, std::to_string(ms), "FIELDS", "1", c.key.items.front()}});
}

Maybe field_expiry_beyond(const Context& c) {
  if (!c.abilities.field_expiry) return std::nullopt;
  return field_expire_at(c,
                         c.key.field_expire_at ? *c.key.field_expire_at + 1001 : 4'000'000'000'000);
}

Maybe field_expiry_within(const Context& c) {
  if (!c.key.field_expire_at) return std::nullopt;
  Mutation result = field_expire_at(c, *c.key.field_expire_at - 1000);
  result.expected.clear();
  return result;
}

Maybe no_field_expiry(const Context& c) {
  if (!c.key.field_expire_at) return std::nullopt;
  return c.change(DiffClass::field_expiry, "target none",
                  {{"HPERSIST", c.key.name, "FIELDS", "1", c.key.items.front()}});
}

Maybe score_bit(const Context& c) {
  const size_t at = c.any();
  const double next = std::nextafter(c.key.scores[at], c.random.one_in(2) ? 1e300 : -1e300);
  return c.change(DiffClass::value, "score of " + quoted(c.key.items[at]),
                  {{"ZADD", c.key.name, score_text(next), c.key.items[at]}});
}

// Streams.

Mutation metadata(const Context& c, const char* detail, Words words) {
  return c.change(DiffClass::metadata, detail, {std::move(words)});
}
std::string last_id(const TrialKey& key) { return key.items.empty() ? "0-0" : key.items.back(); }
bool counters(const Context& c) { return c.abilities.lower() >= 700; }

Maybe entry_more(const Context& c) {
  return c.change(DiffClass::value, "", {{"XADD", c.key.name, "7777-7", "field", "value"}});
}
Maybe entry_less(const Context& c) {
  if (c.key.items.empty()) return std::nullopt;
  return c.change(DiffClass::value, "", {{"XDEL", c.key.name, c.key.items[c.any()]}});
}
Maybe stream_last_id(const Context& c) {
  return metadata(c, "last id", {"XSETID", c.key.name, "7777-7"});
}
Maybe stream_added(const Context& c) {
  if (!counters(c) || c.key.items.empty()) return std::nullopt;
  return metadata(c, "entries added",
                  {"XSETID", c.key.name, last_id(c.key), "ENTRIESADDED",
                   std::to_string(c.key.items.size() + 3), "MAXDELETEDID", "0-0"});
}
Maybe stream_deleted(const Context& c) {
  if (!counters(c) || c.key.items.empty()) return std::nullopt;
  return metadata(c, "greatest deleted id",
                  {"XSETID", c.key.name, last_id(c.key), "ENTRIESADDED",
                   std::to_string(c.key.items.size()), "MAXDELETEDID", "0-7"});
}
Maybe group_missing(const Context& c) {
  return metadata(c, "\"group\" only in the source", {"XGROUP", "DESTROY", c.key.name, "group"});
}
Maybe group_extra(const Context& c) {
  return metadata(c, "\"other\" only in the target",
                  {"XGROUP", "CREATE", c.key.name, "other", "0"});
}
Maybe group_last_id(const Context& c) {
  if (c.key.items.empty()) return std::nullopt;
  return metadata(c, "last delivered id", {"XGROUP", "SETID", c.key.name, "group", "0-7"});
}
Maybe group_entries_read(const Context& c) {
  if (!counters(c) || c.key.pending == 0) return std::nullopt;
  Mutation result =
      metadata(c, "entries read",
               {"XGROUP", "SETID", c.key.name, "group", c.key.items[c.key.pending - 1],
                "ENTRIESREAD", std::to_string(c.key.pending - 1)});
  if (c.abilities.source == 700) result.expected.clear();  // which does not replicate it
  return result;
}
Maybe consumer_extra(const Context& c) {
  if (c.abilities.lower() < 602) return std::nullopt;
  return metadata(c, "\"bob\" only in the target",
                  {"XGROUP", "CREATECONSUMER", c.key.name, "group", "bob"});
}

Maybe claim(const Context& c, const char* detail, const char* consumer, const char* time,
            const char* count) {
  if (c.key.pending == 0) return std::nullopt;
  return metadata(
      c, detail,
      {"XCLAIM", c.key.name, "group", consumer, "0", c.key.items[c.random.below(c.key.pending)],
       "TIME", time, "RETRYCOUNT", count, "JUSTID"});
}
Maybe pending_count(const Context& c) {
  return claim(c, "delivered 2 times", "alice", delivered_at, "2");
}
Maybe pending_time(const Context& c) { return claim(c, "last at 1001", "alice", "1001", "1"); }
Maybe pending_owner(const Context& c) { return claim(c, "consumer", "bob", delivered_at, "1"); }
Maybe pending_missing(const Context& c) {
  if (c.key.pending == 0) return std::nullopt;
  return metadata(c, "pending",
                  {"XACK", c.key.name, "group", c.key.items[c.random.below(c.key.pending)]});
}

struct Kind {
  const char* name;
  Mutate mutate;
};
using Kinds = std::vector<Kind>;

const Kinds any_kinds{{"missing", missing},
                      {"other type", other_type},
                      {"other database", other_database},
                      {"expiry beyond the tolerance", expiry_beyond},
                      {"expiry within the tolerance", expiry_within},
                      {"no expiry", no_expiry}};
const Kinds stream_kinds{{"entry more", entry_more},
                         {"entry less", entry_less},
                         {"last id", stream_last_id},
                         {"entries added", stream_added},
                         {"greatest deleted id", stream_deleted},
                         {"group missing", group_missing},
                         {"group extra", group_extra},
                         {"group's last id", group_last_id},
                         {"entries read", group_entries_read},
                         {"consumer without entries", consumer_extra},
                         {"delivery count", pending_count},
                         {"delivery time", pending_time},
                         {"owner", pending_owner},
                         {"pending entry missing", pending_missing}};
const std::map<Type, Kinds> kinds_of_type{
    {Type::string, {{"one bit", one_bit}, {"one byte more", one_byte_more}, {"shorter", shorter}}},
    {Type::hyperloglog, {{"register", more_elements}, {"cached cardinality", counted}}},
    {Type::list,
     {{"list order", list_order},
      {"list element", list_element},
      {"element doubled", list_doubled},
      {"element missing", list_shorter}}},
    {Type::set,
     {{"member missing", member_missing},
      {"member extra", member_extra},
      {"set's encoding", other_encoding}}},
    {Type::hash,
     {{"field missing", member_missing},
      {"field extra", member_extra},
      {"hash's encoding", other_encoding},
      {"field's value", hash_value},
      {"field expiry beyond the tolerance", field_expiry_beyond},
      {"field expiry within the tolerance", field_expiry_within},
      {"no field expiry", no_field_expiry}}},
    {Type::zset,
     {{"scored member missing", member_missing},
      {"scored member extra", member_extra},
      {"sorted set's encoding", other_encoding},
      {"score's last bit", score_bit}}},
    {Type::stream, stream_kinds}};

}  // namespace

Mutation random_mutation(const TrialKey& key, Random& random, const Abilities& abilities) {
  const Context context{key, random, abilities};
  for (;;) {
    const Kinds& kinds = random.one_in(3) ? any_kinds : kinds_of_type.at(key.type);
    const Kind& kind = kinds[random.below(kinds.size())];
    if (Maybe mutation = kind.mutate(context)) {
      mutation->name = kind.name;
      return *mutation;
    }
  }
}

Mutation extra_key(Random& random, size_t number, const Abilities& abilities) {
  TrialKey key = random_keys(random, 1, abilities).front();
  key.name = fmt::format("extra {}", number);
  return {"extra", key.commands(), {{key.db, key.name, DiffClass::extra, ""}}};
}

}  // namespace lockstep::verifier
