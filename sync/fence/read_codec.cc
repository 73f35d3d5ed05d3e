#include "sync/fence/read_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sync/base/error.h"
#include "sync/fence/fence.h"
#include "sync/resp/encoder.h"

namespace lockstep::fence {
namespace {

constexpr Bytes script_pexpiretime =
    "return {redis.call('PEXPIRETIME',KEYS[1]),redis.call('DUMP',KEYS[1]),"
    "redis.call('INFO','replication')}";
constexpr Bytes script_time_pttl =
    "return {redis.call('TIME'),redis.call('PTTL',KEYS[1]),redis.call('TIME'),"
    "redis.call('DUMP',KEYS[1]),redis.call('INFO','replication')}";

/// What EXEC or the script answers: the expiry, the payload, INFO.
size_t item_count(ExpiryForm form) { return form == ExpiryForm::pexpiretime ? 3 : 5; }

struct Expiry {
  std::optional<ExpireAt> at;
  bool exact = true;
};

[[noreturn]] void malformed(const std::string& what, const std::string& source) {
  throw FormatError(0, fmt::format("{}: unexpected reply to {}", source, what));
}

template <class Number>
Number parse_number(Bytes text, const std::string& what, const std::string& source) {
  Number value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) malformed(what, source);
  return value;
}

/// TIME's reply in milliseconds.
int64_t parse_time_ms(const resp::Value& time, const std::string& source) {
  if (time.items.size() != 2) malformed("TIME", source);
  return parse_number<int64_t>(time.items[0].text, "TIME", source) * 1000 +
         parse_number<int64_t>(time.items[1].text, "TIME", source) / 1000;
}

/// The line "name:value" of an INFO reply; empty if there is none.
Bytes info_field(Bytes info, Bytes name) {
  for (size_t at = info.find(name); at != Bytes::npos; at = info.find(name, at + 1)) {
    const Bytes rest = info.substr(at + name.size());
    if ((at == 0 || info[at - 1] == '\n') && rest.starts_with(':')) {
      return rest.substr(1, rest.find_first_of("\r\n") - 1);
    }
  }
  return {};
}

Expiry expiry_from_pexpiretime(int64_t at) {
  if (at < 0) return {.at = std::nullopt, .exact = at == -1};
  return {.at = ExpireAt{at}};
}

Expiry expiry_from_ttl(int64_t ttl, int64_t before_ms, int64_t after_ms) {
  if (ttl < 0) return {.at = std::nullopt, .exact = ttl == -1};
  return {.at = ExpireAt{after_ms + ttl}, .exact = before_ms == after_ms};
}

Expiry parse_expiry(std::span<const resp::Value> items, ExpiryForm form,
                    const std::string& source) {
  if (form == ExpiryForm::pexpiretime) return expiry_from_pexpiretime(items[0].integer);
  return expiry_from_ttl(items[1].integer, parse_time_ms(items[0], source),
                         parse_time_ms(items[2], source));
}

/// The first error in the replies or inside EXEC's: EXEC's own only says that there was one.
const resp::Value* find_error(std::span<const resp::Value> replies) {
  const auto is_error = [](const resp::Value& value) { return value.is_error(); };
  if (const auto found = std::ranges::find_if(replies, is_error); found != replies.end()) {
    return &*found;
  }
  const auto& items = replies.back().items;
  const auto found = std::ranges::find_if(items, is_error);
  return found == items.end() ? nullptr : &*found;
}

bool may_pass(Bytes code) {
  static constexpr std::array<Bytes, 6> codes{"LOADING",  "MASTERDOWN", "CLUSTERDOWN",
                                              "TRYAGAIN", "BUSY",       "UNBLOCKED"};
  return std::ranges::find(codes, code) != codes.end();
}

}  // namespace

size_t reply_count(ReadForm form) { return form.script ? 1 : item_count(form.expiry) + 2; }

void append_read(std::string& out, Bytes key, ReadForm form) {
  const bool absolute = form.expiry == ExpiryForm::pexpiretime;
  if (form.script) {
    resp::append_command(out, {"EVAL", absolute ? script_pexpiretime : script_time_pttl, "1", key});
    return;
  }
  resp::append_command(out, {"MULTI"});
  if (absolute) {
    resp::append_command(out, {"PEXPIRETIME", key});
  } else {
    resp::append_command(out, {"TIME"});
    resp::append_command(out, {"PTTL", key});
    resp::append_command(out, {"TIME"});
  }
  resp::append_command(out, {"DUMP", key});
  resp::append_command(out, {"INFO", "replication"});
  resp::append_command(out, {"EXEC"});
}

Read parse_read(std::span<const resp::Value> replies, const std::string& key, ReadForm form,
                const std::string& source) {
  const std::string what = fmt::format("the read of key {}", printable(key));
  if (const resp::Value* error = find_error(replies)) refuse(*error, what, source);
  const std::vector<resp::Value>& items = replies.back().items;
  if (items.size() != item_count(form.expiry)) malformed(what, source);
  const resp::Value& dump = items[items.size() - 2];
  const Bytes offset = info_field(items.back().text, "master_repl_offset");
  Read read{.key = {.key = key, .dump_payload = {}, .expire_at = {}, .offset = {}}};
  read.key.offset.value = parse_number<int64_t>(offset, "INFO replication", source);
  if (dump.is_null()) return read;
  const Expiry expiry = parse_expiry(items, form.expiry, source);
  read.key.dump_payload = dump.text;
  read.key.expire_at = expiry.at;
  read.exact = expiry.exact;
  return read;
}

void refuse(const resp::Value& error, const std::string& what, const std::string& source) {
  const std::string message = fmt::format("{}: {} failed: {}", source, what, error.text);
  if (auto redirect = cluster::parse_redirect(error.text)) throw KeyMoved(message, *redirect);
  if (may_pass(error.error_code())) throw ConnectionError(message);
  if (error.error_code() == "OOM") throw SourceFull(message);
  if (error.error_code() == "NOPERM") {
    throw UserError(
        message +
        ". Allow it on every node of the source with ACL SETUSER <user> ~* +multi +exec +time "
        "+pttl +pexpiretime +dump +info +select, and +eval for the time when it is out of memory");
  }
  throw UserError(message);
}

}  // namespace lockstep::fence
