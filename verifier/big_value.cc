#include "verifier/big_value.h"

#include <fmt/format.h>

#include "sync/resp/encoder.h"
#include "verifier/node_request.h"
#include "verifier/piece_reader.h"

namespace lockstep::verifier {

namespace {

constexpr std::chrono::seconds silence_max{60};
constexpr size_t string_piece_bytes = 1 << 20;

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
  const auto digest = co_await read_payload(reader, client.endpoint().label());
  co_return digest;
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

}  // namespace

asio::awaitable<std::optional<PayloadDigest::Value>> read_payload(ReplyReader& reader,
                                                                  std::string label) {
  Reply reply;
  for (bool there = reader.next(reply); !there; there = reader.next(reply))
    co_await reader.receive();
  if (reply.is_error()) throw ConnectionError(fmt::format("{}: DUMP: {}", label, reply.text));
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
  for (bool idle = reader.idle(); !idle; idle = reader.idle()) co_await reader.receive();
  if (!trouble.empty()) throw Undecodable(0, trouble);
  co_return digest.value();
}

asio::awaitable<BigValue> read_big_value(Side& side, Candidate key) {
  BigValue value;
  for (const size_t node : side.holders(key.key)) {
    co_await select(side, node, DbIndex{0}, key.db);
    co_await read_at(side, node, key.key, value);
    co_await select(side, node, key.db, DbIndex{0});
    value.reading.now_ms = side.now_ms(node);
  }
  co_return value;
}

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

}  // namespace lockstep::verifier
