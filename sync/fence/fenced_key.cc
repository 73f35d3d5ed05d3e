#include "sync/fence/fenced_key.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/resp/encoder.h"

namespace lockstep::fence {
namespace {

void append_removal(std::string& out, const FencedKey& key, const RestoreForm& form) {
  resp::append_command(out, {form.unlink ? "UNLINK" : "DEL", key.key});
}

/// What RESTORE takes: 0 is no expiry, so an expiry in the past is the shortest one that is not.
int64_t ttl_ms(std::optional<ExpireAt> expire_at, bool absolute, std::chrono::milliseconds grace,
               int64_t now_ms) {
  if (!expire_at) return 0;
  const int64_t at = expire_at->ms + grace.count();
  return std::max<int64_t>(1, absolute ? at : at - now_ms);
}

}  // namespace

size_t append_write(std::string& out, const FencedKey& key, const RestoreForm& form,
                    std::chrono::milliseconds grace, int64_t now_ms) {
  if (!key.dump_payload || !form.replace) append_removal(out, key, form);
  if (!key.dump_payload) return 1;
  const bool absolute = form.absttl && key.expire_at.has_value();
  const fmt::format_int ttl(ttl_ms(key.expire_at, absolute, grace, now_ms));
  resp::append_array_header(out, 4 + (form.replace ? 1 : 0) + (absolute ? 1 : 0));
  resp::append_bulk(out, "RESTORE");
  resp::append_bulk(out, key.key);
  resp::append_bulk(out, {ttl.data(), ttl.size()});
  resp::append_bulk(out, *key.dump_payload);
  if (form.replace) resp::append_bulk(out, "REPLACE");
  if (absolute) resp::append_bulk(out, "ABSTTL");
  return form.replace ? 1 : 2;
}

}  // namespace lockstep::fence
