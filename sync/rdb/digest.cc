#include "sync/rdb/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>

#include "sync/base/error.h"
#include "sync/rdb/hyperloglog.h"
#include "sync/rdb/score.h"

namespace lockstep::rdb {
namespace {

/// Keeps hashes of different things apart.
enum Domain : uint64_t {
  text_domain = 0x9e3779b97f4a7c15,
  registers_domain = 0x589965cc75374cc3,
  field_domain = 0xc2b2ae3d27d4eb4f,
  score_domain = 0x165667b19e3779f9,
  entry_domain = 0x27d4eb2f165667c5,
  info_domain = 0x85ebca77c2b2ae63,
  group_domain = 0xd6e8feb86659fd93,
  pending_domain = 0xa0761d6478bd642f,
  consumer_domain = 0xe7037ed1a0b428db,
  final_domain = 0x8ebc6af09c88c6e3,
};

Digest128 hash(Bytes bytes, uint64_t seed) {
  const XXH128_hash_t value = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {value.low64, value.high64};
}

template <size_t n>
Digest128 hash(const uint64_t (&words)[n], uint64_t seed) {
  return hash(Bytes(reinterpret_cast<const char*>(words), sizeof words), seed);
}

/// Both texts, and where one ends and the other begins.
Digest128 hash_pair(Bytes first, Bytes second, uint64_t seed) {
  const Digest128 a = hash(first, seed);
  const Digest128 b = hash(second, a.low ^ field_domain);
  return {b.low ^ std::rotl(a.high, 29), b.high + a.high * text_domain};
}

Digest128 hash_string(Bytes text) {
  const auto registers = packed_registers(text);
  return registers ? hash(*registers, registers_domain) : hash(text, text_domain);
}

Digest128 finish_with(Digest128 sum, uint64_t count, Kind kind) {
  return hash({sum.low, sum.high, count, static_cast<uint64_t>(kind)}, final_domain);
}

}  // namespace

Digest128 Digester::finish() const { return finish_with(sum_, count_, kind_); }

void Digester::on_string(Bytes text) { add(hash_string(text)); }
void Digester::on_list_item(Bytes item) { add(hash(item, count_ * text_domain)); }
void Digester::on_set_member(Bytes member) { add(hash(member, text_domain)); }

void Digester::on_hash_field(Bytes field, Bytes value, std::optional<ExpireAt> expire_at) {
  const uint64_t at = expire_at ? static_cast<uint64_t>(expire_at->ms) + 1 : 0;
  add(hash_pair(field, value, field_domain + at * text_domain));
}

void Digester::on_zset_member(Bytes member, double score) {
  add(hash(member, score_domain + std::bit_cast<uint64_t>(plain_score(score)) * text_domain));
}

void Digester::on_stream_entry(StreamId id, std::span<const std::pair<Bytes, Bytes>> fields) {
  if (!first_entry_) first_entry_ = id;
  Digest128 entry = hash({id.ms, id.seq, fields.size()}, entry_domain);
  for (const auto& [field, value] : fields) {
    const Digest128 pair = hash_pair(field, value, entry.low);
    entry = {pair.low, pair.high + entry.high * text_domain};
  }
  add(entry);
}

void Digester::on_stream_info(const StreamInfo& info) {
  const StreamId deleted = info.max_deleted_id.value_or(StreamId{});
  const uint64_t added = info.entries_added.value_or(info.length);
  const StreamId first = info.first_id.value_or(first_entry_.value_or(StreamId{}));
  add(hash({info.length, info.last_id.ms, info.last_id.seq, deleted.ms, deleted.seq, added,
            first.ms, first.seq},
           info_domain));
}

void Digester::on_group(const StreamGroup& group) {
  const Digest128 name = hash(group.name, group_domain);
  group_ = name.low;
  const auto read = static_cast<uint64_t>(group.entries_read.value_or(-1));
  add(hash({name.low, name.high, group.last_delivered_id.ms, group.last_delivered_id.seq, read},
           group_domain));
}

void Digester::on_group_pending(const PendingEntry& entry) {
  const auto time = static_cast<uint64_t>(entry.delivery_time_ms);
  add(hash({group_, entry.id.ms, entry.id.seq, time, entry.delivery_count}, pending_domain));
}

void Digester::on_consumer(const StreamConsumer& consumer) {
  const Digest128 name = hash(consumer.name, group_ ^ consumer_domain);
  consumer_ = name.low;
  add(name);
}

void Digester::on_consumer_pending(StreamId id) {
  add(hash({consumer_, id.ms, id.seq}, consumer_domain));
}

void Digester::on_module(Bytes name, Bytes raw) { add(hash_pair(name, raw, final_domain)); }

struct StringDigester::State {
  XXH3_state_t hash;
};

StringDigester::StringDigester() : state_(new State) {
  XXH3_128bits_reset_withSeed(&state_->hash, text_domain);
}
StringDigester::~StringDigester() { delete state_; }

void StringDigester::add(Bytes piece) {
  XXH3_128bits_update(&state_->hash, piece.data(), piece.size());
}

Digest128 StringDigester::finish() const {
  const XXH128_hash_t value = XXH3_128bits_digest(&state_->hash);
  return finish_with({value.low64, value.high64}, 1, Kind::string);
}

Digest128 value_digest(ValueType type, Bytes value) {
  const auto kind = kind_of(type);
  if (!kind) throw FormatError(0, "unknown value type " + std::to_string(type));
  Digester digester(*kind);
  decode(type, value, digester);
  return digester.finish();
}

}  // namespace lockstep::rdb
