#include "verifier/big_compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/resp/encoder.h"
#include "verifier/explain.h"
#include "verifier/key_reader.h"
#include "verifier/parallel.h"
#include "verifier/payload_digest.h"
#include "verifier/piece_reader.h"
#include "verifier/reply_reader.h"
#include "verifier/value_blocks.h"

namespace lockstep::verifier {

namespace {

constexpr int attempts_max = 8;
constexpr milliseconds first_pause{50};
constexpr std::chrono::seconds silence_max{60};
constexpr uint32_t memory_usage_since = 40000;
/// So many blocks of members are looked into at once.
constexpr size_t blocks_at_once = 16;
/// Of a stream or a module's value, as the servers count them: decoded it takes several times that.
constexpr uint64_t held_bytes_max = 16 << 20;
constexpr size_t string_piece_bytes = 1 << 20;

/// A payload that is whole, and not understood.
class Undecodable : public FormatError {
 public:
  using FormatError::FormatError;
};

/// One side's value, as far as it is held.
struct BigValue {
  Reading reading;
  std::optional<rdb::Kind> kind;
  ValueBlocks blocks{rdb::Kind::string};
  std::optional<PayloadDigest::Value> payload;  ///< of what does not come in pieces
};

asio::awaitable<resp::Value> ask(Side& side, size_t node, std::vector<std::string> words) {
  co_await side.await_turn(node, 1);
  const std::string command = words.front();
  resp::Value reply = co_await side.node(node).client->command(std::move(words));
  if (!reply.is_error() || reply.error_code() == "WRONGTYPE") co_return reply;
  const std::string message =
      fmt::format("{}: {}: {}", side.node(node).endpoint.label(), command, reply.text);
  if (reply.error_code() == "NOPERM" || reply.error_code() == "ERR") throw UserError(message);
  if (const auto slot = sent_on(reply.text)) throw SlotOnTheMove(side, *slot);
  throw ConnectionError(message);  // elsewhere, or not now
}

/// A connection is in database 0 when nobody uses it.
asio::awaitable<void> select(Side& side, size_t node, DbIndex from, DbIndex to) {
  if (from == to) co_return;
  std::vector<std::string> words{"SELECT", std::to_string(to.value)};
  co_await ask(side, node, std::move(words));
}

struct Expiry {
  bool there = true;  ///< the key is
  std::optional<ExpireAt> at;
};

asio::awaitable<Expiry> expiry(Side& side, size_t node, std::string key) {
  const bool absolute = side.node(node).version_number >= 70000;
  std::vector<std::string> time{"TIME"}, ttl{absolute ? "PEXPIRETIME" : "PTTL", std::move(key)};
  const int64_t now_ms = side.now_ms(node);
  std::vector<std::string> first = time;
  const int64_t before_ms = time_ms(co_await ask(side, node, std::move(first)), now_ms);
  const resp::Value reply = co_await ask(side, node, std::move(ttl));
  const int64_t after_ms = time_ms(co_await ask(side, node, std::move(time)), now_ms);
  if (reply.integer < 0) co_return Expiry{reply.integer == -1, std::nullopt};
  if (absolute) co_return Expiry{true, ExpireAt{reply.integer}};
  co_return Expiry{true, ExpireAt{before_ms + (after_ms - before_ms) / 2 + reply.integer}};
}

/// The value by DUMP, as a stream.
asio::awaitable<std::optional<PayloadDigest::Value>> digest_payload(Side& side, size_t node,
                                                                    std::string key) {
  net::Client& client = *side.node(node).client;
  std::string request;
  resp::append_command(request, {"DUMP", key});
  const asio::const_buffer buffer = asio::buffer(request);
  const std::span<const asio::const_buffer> buffers(&buffer, 1);
  co_await client.stream().write(buffers);
  ReplyReader reader(client, silence_max);
  Reply reply;
  while (!reader.next(reply)) co_await reader.receive();
  if (reply.is_error())
    throw ConnectionError(fmt::format("{}: DUMP: {}", client.endpoint().label(), reply.text));
  if (reply.is_null()) co_return std::nullopt;
  PayloadDigest digest(reply.in_pieces ? reader.left() : reply.text.size());
  std::string trouble;  // the reply is read to its end all the same
  const auto add = [&](Bytes piece) {
    try {
      if (trouble.empty()) digest.add(piece);
    } catch (const FormatError& error) {
      trouble = error.what();
    }
  };
  if (!reply.in_pieces) add(reply.text);
  while (reader.left() > 0) {
    const Bytes piece = reader.piece();
    add(piece);
    if (piece.empty()) co_await reader.receive();
  }
  while (!reader.idle()) co_await reader.receive();
  if (!trouble.empty()) throw Undecodable(0, trouble);
  co_return digest.value();
}

asio::awaitable<void> read_at(Side& side, size_t node, std::string key, BigValue& value) {
  std::vector<std::string> type{"TYPE", key};
  const resp::Value told = co_await ask(side, node, std::move(type));  // throws for a key elsewhere
  const auto kind = kind_of_name(told.text);
  if (!kind) co_return;
  ValueBlocks blocks(*kind);
  PieceReader reader(side, node, blocks);
  const PiecesEnd end = co_await reader.read(key, *kind);
  if (end == PiecesEnd::gone) co_return;
  std::optional<PayloadDigest::Value> payload;
  if (end == PiecesEnd::no_pieces) {
    payload = co_await digest_payload(side, node, key);
    if (!payload) co_return;
  }
  const Expiry last = co_await expiry(side, node, key);
  if (!last.there) co_return;  // what ended early because it expired or was deleted is no value
  value.kind = payload ? payload->kind : *kind;
  value.blocks = std::move(blocks);
  value.payload = payload;
  value.reading.expire_at = last.at;
  value.reading.nodes.push_back(node);
}

asio::awaitable<BigValue> read_value(Side& side, Candidate key) {
  BigValue value;
  for (const size_t node : side.holders(key.key)) {
    co_await select(side, node, DbIndex{0}, key.db);
    co_await read_at(side, node, key.key, value);
    co_await select(side, node, key.db, DbIndex{0});
    value.reading.now_ms = side.now_ms(node);
  }
  co_return value;
}

/// Some members, or one piece of a string, or one block of a list.
asio::awaitable<rdb::Object> read_blocks(Side& side, const BigValue& value, Candidate key,
                                         std::vector<size_t> blocks) {
  const size_t node = value.reading.nodes.front();
  const rdb::Kind kind = *value.kind;
  co_await select(side, node, DbIndex{0}, key.db);
  BlockMembers members(kind, blocks);
  rdb::ObjectBuilder part(kind);
  if (kind == rdb::Kind::string || kind == rdb::Kind::list) {
    const bool string = kind == rdb::Kind::string;
    const size_t step = string ? string_piece_bytes : ValueBlocks::items_per_block;
    const size_t at = blocks.front() * step;
    std::vector<std::string> words{string ? "GETRANGE" : "LRANGE", key.key, std::to_string(at),
                                   std::to_string(at + step - 1)};
    const resp::Value reply = co_await ask(side, node, std::move(words));
    if (string) part.on_string(reply.text);
    for (const resp::Value& item : reply.items) part.on_list_item(item.text);
  } else {
    PieceReader reader(side, node, members);
    const PiecesEnd end = co_await reader.read(key.key, kind);
    if (end != PiecesEnd::complete)
      throw ConnectionError(fmt::format("{}: the key {} has changed while it was read",
                                        side.node(node).endpoint.label(), printable(key.key)));
  }
  co_await select(side, node, key.db, DbIndex{0});
  const bool ordered = kind == rdb::Kind::string || kind == rdb::Kind::list;
  co_return ordered ? part.take() : members.take();
}

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

void compare_payloads(const BigValue& s, const BigValue& t, const Tolerance& tolerance,
                      Comparison& result) {
  if (s.payload->digest == t.payload->digest) return;
  // What an older type does not carry is in the digest of a newer one.
  const bool told = *s.kind == rdb::Kind::stream && tolerance.entries_read &&
                    std::min(s.payload->stream_version, t.payload->stream_version) >= 2;
  result.outcome = told ? Outcome::different : Outcome::unverifiable;
  result.diff_class = DiffClass::value;
  result.detail = told ? "the values differ; they are too large to be held, so it is not told where"
                       : "a value that is too large to be held, and whose digests differ";
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

asio::awaitable<BigComparison> compare_once(Side& source, Side& target, Candidate key,
                                            uint64_t bytes, Tolerance tolerance) {
  const BigValue s = co_await read_value(source, key);
  const BigValue t = co_await read_value(target, key);
  if (comes_whole(s) && comes_whole(t) && bytes <= held_bytes_max)
    co_return co_await compare_held(source, target, key, tolerance);
  tolerance.now_ms = std::max(s.reading.now_ms, t.reading.now_ms);
  Comparison result;
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
    co_await look_into(source, target, s, t, key, tolerance, result);
  }
  if (result.outcome == Outcome::equal && s.kind &&
      !tolerance.same(s.reading.expire_at, t.reading.expire_at)) {
    result.outcome = Outcome::different;
    result.diff_class = DiffClass::expiry;
    result.detail = fmt::format("source {}, target {}", printable_expiry(s.reading.expire_at),
                                printable_expiry(t.reading.expire_at));
  }
  co_return BigComparison{s.reading, t.reading, std::move(result)};
}

/// After a reading that was left in the middle: every connection is in database 0 again.
asio::awaitable<void> leave_databases(Side& source, Side& target, Candidate key) {
  for (Side* side : {&source, &target}) {
    for (const size_t node : side->holders(key.key))
      co_await select(*side, node, key.db, DbIndex{0});
  }
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

asio::awaitable<BigComparison> compare_big(Side& source, Side& target, Candidate key,
                                           uint64_t bytes, Tolerance tolerance) {
  std::string failure, unverifiable;
  constexpr int last_on_the_move = 2;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    try {
      if (attempt > 0) co_await source.refresh();
      if (attempt > 0) co_await target.refresh();
      co_return co_await compare_once(source, target, key, bytes, tolerance);
    } catch (const Undecodable& error) {
      unverifiable = error.what();
    } catch (const SlotOnTheMove& error) {
      if (attempt >= last_on_the_move) throw;
      failure = error.what();
    } catch (const ConnectionError& error) {
      failure = error.what();
    }
    if (!unverifiable.empty()) {
      co_await leave_databases(source, target, key);
      BigComparison result;
      result.comparison.outcome = Outcome::unverifiable;
      result.comparison.detail = unverifiable;
      co_return result;
    }
    co_await pause_for(first_pause * (1 << attempt));
  }
  throw ConnectionError(failure);
}

}  // namespace lockstep::verifier
