#include "verifier/trial_data.h"

#include <fmt/format.h>

#include <set>

namespace lockstep::verifier {

namespace {

using Type = TrialKey::Type;

constexpr int64_t far_future_ms = 4'000'000'000'000;
constexpr uint16_t streams_since = 500;

/// Mostly small; now and then beyond what the compact encodings hold.
size_t element_count(Random& random) { return 1 + random.below(random.one_in(6) ? 300 : 12); }

std::string element(Random& random) {
  return random.one_in(8) ? random.letters(70 + random.below(60))
                          : random.letters(1 + random.below(8));
}

std::string string_text(Random& random) {
  switch (random.below(5)) {
    case 0:
      return std::to_string(random.below(1'000'000'000));
    case 1:
      return std::string(1 + random.below(3000), 'a');
    case 2:
      return random.bytes(1 + random.below(20'000));
    default:
      return random.bytes(1 + random.below(60));
  }
}

std::vector<std::string> distinct(Random& random, bool numbers) {
  std::set<std::string> result;
  for (size_t count = element_count(random); result.size() < count;)
    result.insert(numbers ? std::to_string(random.below(100'000)) : "m" + element(random));
  return {result.begin(), result.end()};
}

void fill_hash(TrialKey& key, Random& random, const Abilities& abilities) {
  key.items = distinct(random, false);
  for (size_t i = 0; i < key.items.size(); ++i) key.values.push_back(element(random));
  if (abilities.field_expiry && random.one_in(2))
    key.field_expire_at = far_future_ms + static_cast<int64_t>(random.below(1'000'000));
}

void fill_zset(TrialKey& key, Random& random) {
  key.items = distinct(random, false);
  for (size_t i = 0; i < key.items.size(); ++i) {
    const double number = static_cast<double>(random.below(1'000'000)) + 1;
    key.scores.push_back(random.one_in(2) ? number / 7 : random.one_in(3) ? -number : number);
  }
}

void fill_stream(TrialKey& key, Random& random) {
  const size_t count = random.one_in(5) ? 0 : element_count(random);
  for (size_t i = 0; i < count; ++i) key.items.push_back(fmt::format("{}-1", i + 1));
  key.pending = random.below(count + 1);
}

TrialKey random_key(Random& random, size_t number, const Abilities& abilities) {
  TrialKey key;
  key.name = fmt::format("k{}:{}", number, random.one_in(3) ? random.bytes(random.below(6)) : "");
  if (abilities.databases && random.one_in(4)) key.db = DbIndex{2};
  key.type = static_cast<Type>(random.below(abilities.lower() >= streams_since ? 7 : 6));
  if (key.type == Type::hyperloglog && abilities.lower() < 209) key.type = Type::string;
  if (random.one_in(3))
    key.expire_at = far_future_ms + static_cast<int64_t>(random.below(1'000'000'000));
  switch (key.type) {
    case Type::string:
      key.text = string_text(random);
      break;
    case Type::hyperloglog:
    case Type::set:
      key.items = distinct(random, random.one_in(2));
      break;
    case Type::list:
      for (size_t count = element_count(random); key.items.size() < count;)
        key.items.push_back(element(random));
      break;
    case Type::hash:
      fill_hash(key, random, abilities);
      break;
    case Type::zset:
      fill_zset(key, random);
      break;
    case Type::stream:
      fill_stream(key, random);
      break;
  }
  return key;
}

Words many(const char* command, const TrialKey& key) {
  Words words{command, key.name};
  for (size_t i = 0; i < key.items.size(); ++i) {
    if (key.type == Type::zset) words.push_back(score_text(key.scores[i]));
    words.push_back(key.items[i]);
    if (key.type == Type::hash) words.push_back(key.values[i]);
  }
  return words;
}

void add_stream(const TrialKey& key, TrialRequests& out) {
  const auto add = [&](Words words) { out.push_back(key.request(std::move(words))); };
  for (const std::string& id : key.items) add({"XADD", key.name, id, "field", "value of " + id});
  add({"XGROUP", "CREATE", key.name, "group", "0", "MKSTREAM"});
  if (key.pending == 0) return;
  add({"XREADGROUP", "GROUP", "group", "alice", "COUNT", std::to_string(key.pending), "STREAMS",
       key.name, ">"});
  Words claim{"XCLAIM", key.name, "group", "alice", "0"};
  claim.insert(claim.end(), key.items.begin(),
               key.items.begin() + static_cast<ptrdiff_t>(key.pending));
  for (const char* word : {"TIME", delivered_at, "RETRYCOUNT", "1", "JUSTID"})
    claim.emplace_back(word);
  add(claim);
}

}  // namespace

std::string Random::letters(size_t length) {
  std::string text;
  while (text.size() < length) text += static_cast<char>('a' + below(26));
  return text;
}

std::string Random::bytes(size_t length) {
  std::string text;
  while (text.size() < length) text += static_cast<char>(below(256));
  return text;
}

std::string score_text(double score) { return fmt::format("{:.17g}", score); }

TrialRequests TrialKey::commands() const {
  static constexpr const char* names[] = {"SET", "PFADD", "RPUSH", "SADD", "HMSET", "ZADD", ""};
  TrialRequests out;
  if (type == Type::string) {
    out.push_back(request({"SET", name, text}));
  } else if (type == Type::stream) {
    add_stream(*this, out);
  } else {
    out.push_back(request(many(names[static_cast<size_t>(type)], *this)));
  }
  if (field_expire_at)
    out.push_back(request(
        {"HPEXPIREAT", name, std::to_string(*field_expire_at), "FIELDS", "1", items.front()}));
  if (expire_at) out.push_back(request({"PEXPIREAT", name, std::to_string(*expire_at)}));
  return out;
}

std::vector<TrialKey> random_keys(Random& random, size_t count, const Abilities& abilities) {
  std::vector<TrialKey> keys;
  while (keys.size() < count) keys.push_back(random_key(random, keys.size(), abilities));
  return keys;
}

}  // namespace lockstep::verifier
