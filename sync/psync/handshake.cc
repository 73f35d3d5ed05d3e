#include "sync/psync/handshake.h"

#include <fmt/format.h>

#include <charconv>

#include "sync/base/error.h"

namespace lockstep::psync {

namespace {

constexpr size_t replid_chars = 40;

PsyncAnswer parse_full(Bytes rest, Bytes line, const std::string& source) {
  const size_t space = rest.find(' ');
  PsyncAnswer answer;
  SyncStart& start = answer.emplace<SyncStart>();
  start.replid.value = rest.substr(0, space);
  const char* end = rest.data() + rest.size();
  const bool has_offset = space != Bytes::npos && std::from_chars(rest.data() + space + 1, end, start.offset.value).ec == std::errc();
  if (start.replid.value.size() != replid_chars || !has_offset) {
    throw FormatError(0, fmt::format("{} answered PSYNC with \"{}\"", source, printable(line)));
  }
  return answer;
}

PsyncAnswer parse_continue(Bytes rest, const std::optional<std::pair<ReplId, Offset>>& asked, const std::string& source) {
  if (!asked) throw FormatError(0, source + " continues a replication that we did not ask for");
  PsyncAnswer answer;
  SyncStart& start = answer.emplace<SyncStart>();
  start.kind = SyncKind::partial_sync;
  start.replid = asked->first;
  start.offset = asked->second;
  if (rest.size() >= replid_chars) start.replid.value = rest.substr(0, replid_chars);  // PSYNC2: the history has a new name
  return answer;
}

bool starts(Bytes text, Bytes with) { return text.starts_with(with); }

}  // namespace

PsyncAnswer parse_psync_answer(Bytes line, const std::optional<std::pair<ReplId, Offset>>& asked, const std::string& source) {
  if (starts(line, "+FULLRESYNC ")) return parse_full(line.substr(12), line, source);
  if (starts(line, "+CONTINUE")) return parse_continue(line.substr(std::min<size_t>(10, line.size())), asked, source);
  if (starts(line, "-LOADING") || starts(line, "-NOMASTERLINK") || starts(line, "-MASTERDOWN") || starts(line, "-BUSY")) {
    return NotNow{std::string(line.substr(1))};
  }
  if (starts(line, "-NOPERM")) {
    throw UserError(fmt::format("{}: the user may not replicate: {}; allow it on every node of the source with ACL SETUSER <user> +psync +replconf +ping",
                                source, line.substr(1)));
  }
  if (starts(line, "-NOAUTH")) throw UserError(fmt::format("{}: the source wants a password: give it in the URL (:password@ or user:password@)", source));
  if (starts(line, "-ERR unknown command") || starts(line, "-ERR Unknown command")) return UseSync{};
  if (starts(line, "-")) throw UserError(fmt::format("{}: the source refuses PSYNC: {}", source, line.substr(1)));
  throw FormatError(0, fmt::format("{} answered PSYNC with \"{}\"", source, printable(line)));
}

}  // namespace lockstep::psync
