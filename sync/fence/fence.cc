#include "sync/fence/fence.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/fence/read_codec.h"
#include "sync/resp/encoder.h"

namespace lockstep::fence {
namespace {

constexpr size_t batch_bytes = 32 << 20;
constexpr size_t first_batch = 16;
constexpr size_t batch_max = 128;
constexpr int rereads_max = 3;
constexpr uint32_t pexpiretime_since = 70000;

using Reads = std::vector<Read>;
using Keys = std::vector<std::string>;

void append_select(std::string& out, DbIndex db) {
  const fmt::format_int number(db.value);
  resp::append_command(out, {"SELECT", Bytes(number.data(), number.size())});
}

net::asio::awaitable<Reads> read_batch(net::Client& source, DbIndex db, ReadForm form, Keys keys) {
  const size_t selects = db.value > 0 ? 1 : 0;
  std::string requests;
  if (selects > 0) append_select(requests, db);
  for (const std::string& key : keys) append_read(requests, key, form);
  if (selects > 0) append_select(requests, DbIndex{0});
  const size_t each = reply_count(form);
  const size_t count = keys.size() * each + 2 * selects;
  const std::vector<resp::Value> replies = co_await source.pipeline(std::move(requests), count);
  const std::string label = source.endpoint().label();
  if (replies.front().is_error() && selects > 0) refuse(replies.front(), "SELECT", label);
  Reads reads;
  reads.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::span all(replies);
    reads.push_back(parse_read(all.subspan(selects + i * each, each), keys[i], form, label));
  }
  co_return reads;
}

/// The same as a script from the first refusal on that is due to the server's memory.
net::asio::awaitable<Reads> read_batch_anyway(net::Client& source, DbIndex db, ReadForm& form,
                                              Keys keys) {
  if (!form.script) {
    try {
      co_return co_await read_batch(source, db, form, keys);
    } catch (const SourceFull&) {
      form.script = true;
    }
  }
  co_return co_await read_batch(source, db, form, std::move(keys));
}

/// Reads once more, in place, what was not exact.
net::asio::awaitable<void> reread(net::Client& source, DbIndex db, ReadForm& form, Reads& reads) {
  for (int i = 0; i < rereads_max; ++i) {
    Keys keys;
    for (const Read& read : reads) {
      if (!read.exact) keys.push_back(read.key.key);
    }
    if (keys.empty()) co_return;
    Reads again = co_await read_batch_anyway(source, db, form, std::move(keys));
    auto next = again.begin();
    for (Read& read : reads) {
      if (!read.exact) read = std::move(*next++);
    }
  }
}

size_t payload_bytes(const Read& read) {
  return read.key.dump_payload ? read.key.dump_payload->size() : 0;
}

}  // namespace

net::asio::awaitable<std::vector<FencedKey>> read_keys(net::Client& source, DbIndex db, Keys keys,
                                                       size_t bytes_max) {
  const uint32_t version = co_await source.server_version();
  ReadForm form{.expiry =
                    version >= pexpiretime_since ? ExpiryForm::pexpiretime : ExpiryForm::time_pttl};
  std::vector<FencedKey> result;
  result.reserve(keys.size());
  size_t bytes = 0;
  size_t largest = 1;
  size_t batch = first_batch;
  while (result.size() < keys.size() && (result.empty() || bytes <= bytes_max)) {
    const auto begin = keys.begin() + static_cast<ptrdiff_t>(result.size());
    Keys some(begin, begin + static_cast<ptrdiff_t>(std::min(batch, keys.size() - result.size())));
    Reads reads = co_await read_batch_anyway(source, db, form, std::move(some));
    co_await reread(source, db, form, reads);
    for (Read& read : reads) {
      bytes += payload_bytes(read);
      largest = std::max(largest, payload_bytes(read));
      result.push_back(std::move(read.key));
    }
    batch = std::clamp<size_t>(batch_bytes / largest, 1, batch_max);
  }
  co_return result;
}

}  // namespace lockstep::fence
