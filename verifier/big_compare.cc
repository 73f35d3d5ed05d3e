#include "verifier/big_compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/resp/encoder.h"
#include "verifier/explain.h"
#include "verifier/key_reader.h"
#include "verifier/node_request.h"
#include "verifier/parallel.h"
#include "verifier/stream_entries.h"

namespace lockstep::verifier {

namespace {

constexpr int attempts_max = 8;
constexpr milliseconds first_pause{50};
constexpr uint32_t memory_usage_since = 40000;
/// So many blocks of members are looked into at once.
constexpr size_t blocks_at_once = 16;
constexpr size_t string_piece_bytes = 1 << 20;

/// "in the part from byte 1048576 on: …".
std::string with_place(rdb::Kind kind, size_t block, std::string detail) {
  if (kind == rdb::Kind::string)
    return fmt::format("counted from byte {}: {}", block * string_piece_bytes, detail);
  if (kind == rdb::Kind::list)
    return fmt::format("counted from element {}: {}", block * ValueBlocks::items_per_block, detail);
  return detail;
}

/// Looks into what differs until a difference is found that counts.
asio::awaitable<void> look_into(Side& source, Side& target, const BigValue& s, const BigValue& t,
                                Candidate key, Tolerance tolerance, Comparison& result) {
  const std::vector<size_t> differing = ValueBlocks::differing(s.blocks, t.blocks);
  const bool ordered = *s.kind == rdb::Kind::string || *s.kind == rdb::Kind::list;
  const size_t step = ordered ? 1 : blocks_at_once;
  for (size_t first = 0; first < differing.size(); first += step) {
    const auto begin = differing.begin() + static_cast<ptrdiff_t>(first);
    const auto count = static_cast<ptrdiff_t>(std::min(step, differing.size() - first));
    const std::vector<size_t> blocks(begin, begin + count);
    const rdb::Object ours = co_await read_blocks(source, s, key, blocks);
    const rdb::Object theirs = co_await read_blocks(target, t, key, blocks);
    const auto found = first_difference(ours, theirs, tolerance);
    if (!found) continue;
    result.outcome = Outcome::different;
    result.diff_class = found->diff_class;
    result.detail = with_place(*s.kind, blocks.front(), found->detail);
    co_return;
  }
}

/// False where other values may have these digests to differ: what an older type of a stream does
/// not carry is in the digest of a newer one, and so are expiries of fields, which a tolerance
/// allows to differ.
bool digests_decide(const BigValue& s, const BigValue& t, const Tolerance& tolerance) {
  if (*s.kind == rdb::Kind::module) return false;
  if (*s.kind != rdb::Kind::stream) return !s.payload->field_expiries && !t.payload->field_expiries;
  return tolerance.entries_read &&
         std::min(s.payload->stream_version, t.payload->stream_version) >= 2;
}

bool streams_differ(const BigValue& s, const BigValue& t) {
  const bool streams = s.kind == rdb::Kind::stream && t.kind == rdb::Kind::stream;
  return streams && s.reading.nodes.size() == 1 && t.reading.nodes.size() == 1 && s.payload &&
         t.payload && s.payload->digest != t.payload->digest;
}

/// Of streams that differ: entries are told, whatever else their digests depend on.
asio::awaitable<void> look_into_entries(Side& source, Side& target, const BigValue& s,
                                        const BigValue& t, Candidate key, Comparison& result) {
  const auto found = co_await differing_entry(source, s, target, t, key);
  if (!found) co_return;
  result.outcome = Outcome::different;
  result.diff_class = DiffClass::value;
  result.detail = *found;
}

void compare_payloads(const BigValue& s, const BigValue& t, const Tolerance& tolerance,
                      Comparison& result) {
  if (s.payload->digest == t.payload->digest) return;
  const bool told = digests_decide(s, t, tolerance);
  result.outcome = told ? Outcome::different : Outcome::unverifiable;
  result.diff_class = DiffClass::value;
  result.detail = told
                      ? "the values differ; they are too large to be held, so it is not told where"
                      : "a value that is too large to be held, and whose digests differ, which may "
                        "be due to what is not compared or to a tolerance";
}

void compare_presence(const BigValue& s, const BigValue& t, const Tolerance& tolerance,
                      Comparison& result) {
  const bool on_target = t.kind.has_value();
  const Reading& present = on_target ? t.reading : s.reading;
  const int64_t now_ms = std::max(s.reading.now_ms, t.reading.now_ms);
  result.outcome =
      tolerance.due(present.expire_at, on_target, now_ms) ? Outcome::expired : Outcome::different;
  result.diff_class = on_target ? DiffClass::extra : DiffClass::missing;
}

void describe(const BigValue& value, std::string& type, uint64_t& digest) {
  if (!value.kind) return;
  type = rdb::kind_name(*value.kind);
  digest = value.payload ? value.payload->digest : value.blocks.digest();
}

bool comes_whole(const BigValue& value) { return value.payload.has_value(); }

asio::awaitable<BigComparison> compare_held(Side& source, Side& target, Candidate key,
                                            Tolerance tolerance) {
  const std::vector<Candidate> keys(1, key);
  std::vector<Reading> sources = co_await read_keys(source, keys);
  std::vector<Reading> targets = co_await read_keys(target, keys);
  BigComparison result;
  result.comparison = compare(sources.front(), targets.front(), tolerance);
  result.source = std::move(sources.front());
  result.target = std::move(targets.front());
  co_return result;
}

/// All that is told without a look into the elements. False: both came in pieces, and are to be
/// looked into.
bool compare_outside(const BigValue& s, const BigValue& t, const Tolerance& tolerance,
                     Comparison& result) {
  describe(s, result.source_type, result.source_digest);
  describe(t, result.target_type, result.target_digest);
  if (s.reading.nodes.size() > 1 || t.reading.nodes.size() > 1) {
    result.outcome = Outcome::different;
    result.diff_class = DiffClass::misplaced;
    result.detail = "on several nodes of one side at once";
  } else if (!s.kind || !t.kind) {
    if (s.kind || t.kind) compare_presence(s, t, tolerance, result);
  } else if (s.kind != t.kind) {
    result.outcome = Outcome::different;
    result.diff_class = DiffClass::type;
    result.detail = result.source_type + " against " + result.target_type;
  } else if (comes_whole(s) && comes_whole(t)) {
    compare_payloads(s, t, tolerance, result);
  } else if (comes_whole(s) || comes_whole(t)) {
    result.outcome = Outcome::unverifiable;
    result.detail = "too large for DUMP, and only one side may be read in pieces";
  } else {
    return false;
  }
  return true;
}

void compare_expiries(const BigValue& s, const BigValue& t, const Tolerance& tolerance,
                      Comparison& result) {
  if (result.outcome != Outcome::equal || !s.kind ||
      tolerance.same(s.reading.expire_at, t.reading.expire_at))
    return;
  result.outcome = Outcome::different;
  result.diff_class = DiffClass::expiry;
  result.detail = fmt::format("source {}, target {}", printable_expiry(s.reading.expire_at),
                              printable_expiry(t.reading.expire_at));
}

asio::awaitable<BigComparison> compare_once(Side& source, Side& target, Candidate key,
                                            uint64_t bytes, Tolerance tolerance) {
  const BigValue s = co_await read_big_value(source, key);
  const BigValue t = co_await read_big_value(target, key);
  if (comes_whole(s) && comes_whole(t) && bytes <= held_bytes_max)
    co_return co_await compare_held(source, target, key, tolerance);
  tolerance.now_ms = std::max(s.reading.now_ms, t.reading.now_ms);
  Comparison result;
  const bool told = compare_outside(s, t, tolerance, result);
  if (!told) co_await look_into(source, target, s, t, key, tolerance, result);
  if (streams_differ(s, t)) co_await look_into_entries(source, target, s, t, key, result);
  compare_expiries(s, t, tolerance, result);
  co_return BigComparison{s.reading, t.reading, std::move(result)};
}

/// Of the keys that this node holds, where the server says it.
asio::awaitable<void> ask_sizes(Side& side, size_t node, const std::vector<Candidate>& keys,
                                std::vector<uint64_t>& sizes) {
  std::string requests;
  std::vector<std::pair<size_t, size_t>> asked;  // a key, and which reply is its
  DbIndex selected{0};
  size_t count = 0;
  const auto select = [&](DbIndex db) {
    if (db == selected) return;
    resp::append_command(requests, {"SELECT", std::to_string(db.value)});
    selected = db;
    ++count;
  };
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto holders = side.holders(keys[i].key);
    if (std::find(holders.begin(), holders.end(), node) == holders.end()) continue;
    select(keys[i].db);
    resp::append_command(requests, {"MEMORY", "USAGE", keys[i].key});
    asked.emplace_back(i, count++);
  }
  select(DbIndex{0});
  if (count == 0) co_return;
  co_await side.await_turn(node, count);
  const auto replies = co_await side.node(node).client->pipeline(std::move(requests), count);
  for (const auto& [key, at] : asked) {
    if (!replies[at].is_error())
      sizes[key] = std::max(sizes[key], static_cast<uint64_t>(replies[at].integer));
  }
}

}  // namespace

asio::awaitable<std::vector<uint64_t>> value_sizes(Side& source, Side& target,
                                                   std::vector<Candidate> keys) {
  std::vector<uint64_t> sizes(keys.size());
  if (source.node(0).file || target.node(0).file) co_return sizes;
  for (Side* side : {&source, &target}) {
    for (size_t node = 0; node < side->node_count(); ++node) {
      if (side->node(node).version_number < memory_usage_since) continue;
      try {
        co_await ask_sizes(*side, node, keys, sizes);
      } catch (const ConnectionError&) {  // whoever reads the keys will learn a new one
      }
    }
  }
  co_return sizes;
}

BigComparison compare_dumped(const BigValue& source, const BigValue& target, Tolerance tolerance) {
  tolerance.now_ms = std::max(source.reading.now_ms, target.reading.now_ms);
  Comparison result;
  const bool told = compare_outside(source, target, tolerance, result);
  LOCKSTEP_ASSERT(told);
  compare_expiries(source, target, tolerance, result);
  return {source.reading, target.reading, std::move(result)};
}

BigComparison undecodable(const std::string& why) {
  BigComparison result;
  result.comparison.outcome = Outcome::unverifiable;
  result.comparison.detail = why;
  return result;
}

asio::awaitable<BigComparison> compare_big_once(Side& source, Side& target, Candidate key,
                                                uint64_t bytes, Tolerance tolerance) {
  std::string trouble;
  try {
    BigComparison read = co_await compare_once(source, target, key, bytes, tolerance);
    co_return read;
  } catch (const Undecodable& error) {
    trouble = error.what();
  }
  co_await leave_database(source, key.key, key.db);
  co_await leave_database(target, key.key, key.db);
  co_return undecodable(trouble);
}

asio::awaitable<BigComparison> compare_big(Side& source, Side& target, Candidate key,
                                           uint64_t bytes, Tolerance tolerance) {
  std::string failure;
  constexpr int last_on_the_move = 2;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    try {
      if (attempt > 0) co_await source.refresh();
      if (attempt > 0) co_await target.refresh();
      BigComparison read = co_await compare_big_once(source, target, key, bytes, tolerance);
      co_return read;
    } catch (const SlotOnTheMove& error) {
      if (attempt >= last_on_the_move) throw;
      failure = error.what();
    } catch (const ConnectionError& error) {
      failure = error.what();
    }
    co_await pause_for(first_pause * (1 << attempt));
  }
  throw ConnectionError(failure);
}

}  // namespace lockstep::verifier
