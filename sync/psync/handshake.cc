#include "sync/psync/handshake.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sync/base/error.h"
#include "sync/resp/encoder.h"

namespace lockstep::psync {
namespace {

constexpr size_t replid_chars = 40;  // CONFIG_RUN_ID_SIZE of the servers' server.h

bool is_replid(Bytes text) {
  return text.size() == replid_chars &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

std::optional<int64_t> parse_offset(Bytes text) {
  int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && stop == text.data() + text.size();
  return whole && value >= 0 ? std::optional(value) : std::nullopt;
}

[[noreturn]] void unexpected(Bytes line, const std::string& source) {
  throw FormatError(0, fmt::format("{} answered PSYNC with \"{}\"", source, printable(line)));
}

/// "+FULLRESYNC <replid> <offset>"; Redis 2.8 to 8 and Valkey alike.
SyncStart parse_full(Bytes rest, Bytes line, const std::string& source) {
  const size_t space = std::min(rest.find(' '), rest.size());
  const Bytes replid = rest.substr(0, space);
  const auto offset = parse_offset(rest.substr(std::min(space + 1, rest.size())));
  if (!is_replid(replid) || !offset) unexpected(line, source);
  return {.kind = SyncKind::full_sync,
          .replid = {std::string(replid)},
          .offset = {*offset},
          .plain_sync = false};
}

/// "+CONTINUE", from 4.0 on followed by the name that the history has now.
SyncStart parse_continue(Bytes rest, Bytes line,
                         const std::optional<std::pair<ReplId, Offset>>& asked,
                         const std::string& source) {
  if (!asked) unexpected(line, source);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  if (!rest.empty() && !is_replid(rest)) unexpected(line, source);
  return {.kind = SyncKind::partial_sync,
          .replid = rest.empty() ? asked->first : ReplId{std::string(rest)},
          .offset = asked->second,
          .plain_sync = false};
}

/// Errors that go away by themselves. "Can't SYNC while not connected with my master" is what
/// NOMASTERLINK was before 4.0.
bool may_pass(Bytes line) {
  static constexpr std::array<Bytes, 6> starts{"-LOADING", "-NOMASTERLINK", "-MASTERDOWN",
                                               "-BUSY",    "-TRYAGAIN",     "-ERR Can't SYNC"};
  return std::ranges::any_of(starts, [&](Bytes start) { return line.starts_with(start); });
}

bool is_unknown_command(Bytes line) {
  return line.starts_with("-ERR unknown command") || line.starts_with("-ERR Unknown command") ||
         line.starts_with("-ERR unknown subcommand");
}

[[noreturn]] void no_permission(Bytes error, const std::string& source) {
  throw UserError(fmt::format(
      "{}: the user may not replicate: {}. Allow it on every node of the source with ACL SETUSER "
      "<user> +psync +replconf +ping",
      source, error));
}

[[noreturn]] void refuse(Bytes line, const char* command, const std::string& source) {
  const Bytes error = line.substr(1);
  if (error.starts_with("NOPERM")) no_permission(error, source);
  if (error.starts_with("NOAUTH")) {
    throw UserError(
        fmt::format("{}: the source wants a password: give it in the URL, "
                    "redis://user:password@host or redis://:password@host",
                    source));
  }
  throw UserError(fmt::format("{}: the source refuses {}: {}", source, command, error));
}

}  // namespace

std::string psync_request(const HandshakeOptions& options) {
  std::string out;
  if (options.resume) {
    const std::string next = std::to_string(options.resume->second.value + 1);
    resp::append_command(out, {"PSYNC", options.resume->first.value, next});
  } else {
    resp::append_command(out, {"PSYNC", "?", "-1"});
  }
  return out;
}

std::vector<std::string> capabilities(const HandshakeOptions& options) {
  std::vector<std::string> args{"REPLCONF", "capa", "psync2"};
  if (options.capa_eof) args.insert(args.end(), {"capa", "eof"});
  return args;
}

std::vector<std::vector<std::string>> snapshot_only_requests(const HandshakeOptions& options) {
  if (!options.snapshot_only) return {};
  std::vector<std::vector<std::string>> requests{{"REPLCONF", "rdb-only", "1"}};
  if (options.capa_eof) requests.push_back({"REPLCONF", "rdb-channel", "1"});
  return requests;
}

std::vector<std::string> announced_version() { return {"REPLCONF", "version", "9.1.0"}; }

void check_replconf(const resp::Value& reply, const std::string& source) {
  if (reply.error_code() == "NOPERM") no_permission(reply.text, source);
}

PsyncAnswer parse_psync_answer(Bytes line, const std::optional<std::pair<ReplId, Offset>>& asked,
                               const std::string& source) {
  static constexpr Bytes full = "+FULLRESYNC ";
  static constexpr Bytes go_on = "+CONTINUE";
  if (line.starts_with(full)) return parse_full(line.substr(full.size()), line, source);
  if (line.starts_with(go_on)) {
    return parse_continue(line.substr(go_on.size()), line, asked, source);
  }
  if (may_pass(line)) return NotNow{std::string(line.substr(1))};
  if (is_unknown_command(line)) return UseSync{};
  if (line.starts_with('-')) refuse(line, "PSYNC", source);
  unexpected(line, source);
}

std::optional<HeldStream> parse_held_stream(Bytes line, const std::string& source) {
  static constexpr Bytes head = "$ENDOFF:";
  if (!line.starts_with(head)) return std::nullopt;
  std::vector<Bytes> fields;
  for (Bytes rest = line.substr(head.size()); !rest.empty();) {
    const size_t space = std::min(rest.find(' '), rest.size());
    fields.push_back(rest.substr(0, space));
    rest.remove_prefix(std::min(space + 1, rest.size()));
  }
  const auto offset = fields.size() == 4 ? parse_offset(fields[0]) : std::nullopt;
  if (!offset || !is_replid(fields[1]) || !parse_offset(fields[3])) unexpected(line, source);
  return HeldStream{{std::string(fields[1])}, {*offset}, std::string(fields[3])};
}

std::vector<std::vector<std::string>> take_held_stream(const HeldStream& held) {
  return {{"REPLCONF", "set-rdb-client-id", held.client},
          {"PSYNC", held.replid.value, std::to_string(held.offset.value + 1)}};
}

NotNow parse_sync_error(Bytes line, const std::string& source) {
  if (may_pass(line)) return NotNow{std::string(line.substr(1))};
  if (is_unknown_command(line)) {
    throw UserError(
        fmt::format("{}: the source knows neither PSYNC nor SYNC ({}): they are renamed or blocked "
                    "there, as some "
                    "hosted services do. Allow PSYNC on every node of the source",
                    source, line.substr(1)));
  }
  refuse(line, "SYNC", source);
}

}  // namespace lockstep::psync
