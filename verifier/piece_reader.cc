#include "verifier/piece_reader.h"

#include <algorithm>
#include <charconv>

#include "sync/base/error.h"
#include "sync/rdb/score.h"
#include "verifier/parallel.h"

namespace lockstep::verifier {

namespace {

constexpr size_t string_piece_bytes = 1 << 20;
/// Of elements: each of them costs the server more than its bytes.
constexpr size_t piece_bytes = 256 << 10;
constexpr size_t elements_max = 2'000;
constexpr uint32_t field_expiry_since = 70400;
constexpr int valkey_field_expiry_since = 9;

bool has_field_expiries(const Node& node) {
  if (node.valkey_version.empty()) return node.version_number >= field_expiry_since;
  return std::atoi(node.valkey_version.c_str()) >= valkey_field_expiry_since;
}

size_t text_bytes(const std::vector<resp::Value>& values) {
  size_t bytes = 0;
  for (const resp::Value& value : values) bytes += value.text.size();
  return bytes;
}

/// Of a reply that is no piece.
PiecesEnd end_of(const resp::Value& reply) {
  return reply.error_code() == "WRONGTYPE" ? PiecesEnd::gone : PiecesEnd::no_pieces;
}

std::vector<std::string> scan_words(const std::string& key, rdb::Kind kind,
                                    const std::string& cursor, size_t count) {
  const char* command = kind == rdb::Kind::set    ? "SSCAN"
                        : kind == rdb::Kind::hash ? "HSCAN"
                                                  : "ZSCAN";
  return {command, key, cursor, "COUNT", std::to_string(count)};
}

}  // namespace

PieceReader::PieceReader(Side& side, size_t node, rdb::Visitor& visitor)
    : side_(side), index_(node), node_(side.node(node)), visitor_(visitor) {}

asio::awaitable<PiecesEnd> PieceReader::read(std::string key, rdb::Kind kind) {
  switch (kind) {
    case rdb::Kind::string:
      co_return co_await read_string(std::move(key));
    case rdb::Kind::list:
      co_return co_await read_list(std::move(key));
    case rdb::Kind::set:
    case rdb::Kind::hash:
    case rdb::Kind::zset:
      co_return co_await read_by_cursor(std::move(key), kind);
    default:
      co_return PiecesEnd::no_pieces;
  }
}

asio::awaitable<resp::Value> PieceReader::ask(std::vector<std::string> words) {
  co_await side_.await_turn(index_, 1);
  const auto wait = pace_.before(std::chrono::steady_clock::now(), 1);
  if (wait > Pace::Duration())
    co_await pause_for(std::chrono::ceil<std::chrono::milliseconds>(wait));
  const auto begin = std::chrono::steady_clock::now();
  resp::Value reply = co_await node_.client->command(std::move(words));
  const size_t bytes = reply.text.size() + text_bytes(reply.items);
  bytes_ += bytes;
  pace_.answered(std::chrono::steady_clock::now() - begin, 1, bytes);
  co_return reply;
}

/// The next piece is about piece_bytes long if it is like the last.
void PieceReader::adapt(size_t bytes) {
  if (bytes > piece_bytes) {
    elements_ = std::max<size_t>(1, elements_ * piece_bytes / bytes);
  } else if (bytes < piece_bytes / 2) {
    elements_ = std::min(elements_ * 2, elements_max);
  }
}

asio::awaitable<PiecesEnd> PieceReader::read_string(std::string key) {
  for (uint64_t at = 0;; at += string_piece_bytes) {
    std::vector<std::string> words{"GETRANGE", key, std::to_string(at),
                                   std::to_string(at + string_piece_bytes - 1)};
    const resp::Value reply = co_await ask(std::move(words));
    if (reply.is_error()) co_return end_of(reply);
    if (at == 0 && reply.text.empty()) co_return PiecesEnd::gone;
    visitor_.on_string(reply.text);
    if (reply.text.size() < string_piece_bytes) co_return PiecesEnd::complete;
  }
}

asio::awaitable<PiecesEnd> PieceReader::read_list(std::string key) {
  for (uint64_t at = 0;;) {
    const size_t count = elements_;
    std::vector<std::string> words{"LRANGE", key, std::to_string(at),
                                   std::to_string(at + count - 1)};
    const resp::Value reply = co_await ask(std::move(words));
    if (reply.is_error()) co_return end_of(reply);
    if (at == 0 && reply.items.empty()) co_return PiecesEnd::gone;
    for (const resp::Value& item : reply.items) visitor_.on_list_item(item.text);
    if (reply.items.size() < count) co_return PiecesEnd::complete;
    at += count;
    adapt(text_bytes(reply.items));
  }
}

asio::awaitable<PiecesEnd> PieceReader::read_by_cursor(std::string key, rdb::Kind kind) {
  const bool expiries = kind == rdb::Kind::hash && has_field_expiries(node_);
  std::string cursor = "0";
  bool any = false;
  do {
    std::vector<std::string> words = scan_words(key, kind, cursor, elements_);
    resp::Value reply = co_await ask(std::move(words));
    if (reply.is_error()) co_return end_of(reply);
    if (reply.items.size() != 2) throw FormatError(0, "a scan of a key: unexpected reply");
    cursor = reply.items[0].text;
    std::vector<resp::Value>& members = reply.items[1].items;
    any = any || !members.empty();
    adapt(text_bytes(members));
    if (!expiries) {
      give_members(members, kind);
      continue;
    }
    const bool told = co_await give_fields(key, std::move(members));
    if (!told) co_return PiecesEnd::no_pieces;
  } while (cursor != "0");
  co_return any ? PiecesEnd::complete : PiecesEnd::gone;
}

void PieceReader::give_members(const std::vector<resp::Value>& members, rdb::Kind kind) {
  if (kind == rdb::Kind::set) {
    for (const resp::Value& member : members) visitor_.on_set_member(member.text);
    return;
  }
  for (size_t i = 0; i + 1 < members.size(); i += 2) {
    if (kind == rdb::Kind::hash) {
      visitor_.on_hash_field(members[i].text, members[i + 1].text, std::nullopt);
      continue;
    }
    const auto score = rdb::parse_score(members[i + 1].text);
    if (!score) throw FormatError(0, "a score that is no number: " + members[i + 1].text);
    visitor_.on_zset_member(members[i].text, *score);
  }
}

/// With the expiries of the fields; false if the node does not say them.
asio::awaitable<bool> PieceReader::give_fields(std::string key, std::vector<resp::Value> fields) {
  const size_t count = fields.size() / 2;
  if (count == 0) co_return true;
  std::vector<std::string> words{"HPEXPIRETIME", key, "FIELDS", std::to_string(count)};
  for (size_t i = 0; i < count; ++i) words.push_back(fields[2 * i].text);
  const resp::Value reply = co_await ask(std::move(words));
  if (reply.items.size() != count) co_return false;
  for (size_t i = 0; i < count; ++i) {
    const int64_t at = reply.items[i].integer;
    const auto expire_at = at < 0 ? std::nullopt : std::optional(ExpireAt{at});
    visitor_.on_hash_field(fields[2 * i].text, fields[2 * i + 1].text, expire_at);
  }
  co_return true;
}

int64_t time_ms(const resp::Value& reply, int64_t otherwise) {
  if (reply.items.size() != 2) return otherwise;
  return std::stoll(reply.items[0].text) * 1000 + std::stoll(reply.items[1].text) / 1000;
}

std::optional<rdb::Kind> kind_of_name(Bytes name) {
  for (const rdb::Kind kind : {rdb::Kind::string, rdb::Kind::list, rdb::Kind::set, rdb::Kind::zset,
                               rdb::Kind::hash, rdb::Kind::stream}) {
    if (name == rdb::kind_name(kind)) return kind;
  }
  if (name == "none") return std::nullopt;
  return rdb::Kind::module;
}

}  // namespace lockstep::verifier
