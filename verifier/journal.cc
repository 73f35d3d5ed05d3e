#include "verifier/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "sync/base/error.h"
#include "sync/rdb/dump_payload.h"
#include "verifier/base64.h"
#include "verifier/report_files.h"

namespace lockstep::verifier {

using Json = nlohmann::ordered_json;

namespace {

constexpr int journal_schema = 1;

Json expiry_json(std::optional<ExpireAt> at) { return at ? Json(at->ms) : Json(nullptr); }

std::optional<ExpireAt> expiry_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(ExpireAt{json.get<int64_t>()});
}

std::string digest_text(const rdb::Digest128& digest) {
  return fmt::format("{:016x}{:016x}", digest.high, digest.low);
}

rdb::Digest128 parse_digest(const std::string& text) {
  if (text.size() != 32) throw FormatError(0, "a digest has 32 digits");
  return {.low = std::stoull(text.substr(16), nullptr, 16),
          .high = std::stoull(text.substr(0, 16), nullptr, 16)};
}

std::string decoded(const Json& json) {
  auto bytes = from_base64(json.get_ref<const std::string&>());
  if (!bytes) throw FormatError(0, "not base64");
  return std::move(*bytes);
}

const char* old_name(DiffClass diff_class) {
  return diff_class == DiffClass::function ? "old_code" : "old_dump";
}

std::string line_of(const JournalEntry& entry) {
  Json json{{"db", entry.db.value},
            {"key", printable(entry.key, entry.key.size())},
            {"key_base64", base64(entry.key)},
            {"class", diff_class_name(entry.diff_class)},
            {"action", entry.written.digest ? "write" : "remove"}};
  if (!entry.node.empty()) json["node"] = entry.node;
  json[old_name(entry.diff_class)] =
      entry.old_payload ? Json(base64(*entry.old_payload)) : Json(nullptr);
  json["old_expire_at_ms"] = expiry_json(entry.old_expire_at);
  json["written_digest"] =
      entry.written.digest ? Json(digest_text(*entry.written.digest)) : Json(nullptr);
  json["written_expire_at_ms"] = expiry_json(entry.written.expire_at);
  return json.dump() + "\n";
}

JournalEntry entry_of(const Json& json) {
  JournalEntry entry;
  entry.db = DbIndex{json.at("db").get<uint32_t>()};
  entry.key = decoded(json.at("key_base64"));
  entry.diff_class = diff_class_named(json.at("class").get<std::string>());
  entry.node = json.value("node", "");
  const Json& old = json.at(old_name(entry.diff_class));
  if (!old.is_null()) entry.old_payload = decoded(old);
  entry.old_expire_at = expiry_of(json.at("old_expire_at_ms"));
  if (!json.at("written_digest").is_null())
    entry.written.digest = parse_digest(json.at("written_digest").get<std::string>());
  entry.written.expire_at = expiry_of(json.at("written_expire_at_ms"));
  return entry;
}

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw UserError(fmt::format("{}: {}: {}; nothing more was written to the target", path.string(),
                              what, std::strerror(errno)));
}

}  // namespace

HeldState held_state(const std::optional<std::string>& payload, std::optional<ExpireAt> expire_at) {
  if (!payload) return {};
  const rdb::DumpView view = rdb::parse_dump_payload(*payload);
  return {rdb::value_digest(view.type, view.value), expire_at};
}

HeldState library_state(const std::optional<std::string>& code) {
  if (!code) return {};
  rdb::StringDigester digester;
  digester.add(*code);
  return {digester.finish(), std::nullopt};
}

JournalWriter::JournalWriter(const std::filesystem::path& directory,
                             const std::vector<std::string>& target_urls) {
  for (unsigned n = 1; fd_ < 0; ++n) {
    path_ = directory / (n == 1 ? "repair.jsonl" : fmt::format("repair-{}.jsonl", n));
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd_ < 0 && errno != EEXIST) fail(path_, "cannot be made");
  }
  pending_ = Json{{"schema", journal_schema}, {"target", target_urls}}.dump() + "\n";
  sync();
  const int parent = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0 || ::fsync(parent) != 0) fail(path_, "cannot be kept");
  ::close(parent);
}

JournalWriter::~JournalWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void JournalWriter::add(const JournalEntry& entry) { pending_ += line_of(entry); }

void JournalWriter::sync() {
  for (size_t at = 0; at < pending_.size();) {
    const ssize_t wrote = ::write(fd_, pending_.data() + at, pending_.size() - at);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail(path_, "cannot be written");
    at += static_cast<size_t>(wrote);
  }
  if (::fsync(fd_) != 0) fail(path_, "cannot be written");
  pending_.clear();
}

JournalReader::JournalReader(const std::filesystem::path& path)
    : path_(path), file_(path, std::ios::binary) {
  const auto refuse = [&](const char* why) {
    throw UserError(fmt::format("{}: {}: give the repair.jsonl that `lockstep verify --repair` "
                                "wrote",
                                path.string(), why),
                    ExitCode::bad_arguments);
  };
  if (!file_) refuse("there is no such file");
  std::string line;
  std::getline(file_, line);
  const Json head = Json::parse(line, nullptr, false);
  if (file_.eof() || !head.is_object() || head.value("schema", 0) != journal_schema ||
      !head.contains("target"))
    refuse("no journal of a repair");
  target_urls_ = head["target"].get<std::vector<std::string>>();
  for (;;) {
    const auto begin = static_cast<uint64_t>(file_.tellg());
    if (!std::getline(file_, line) || file_.eof()) break;  // a line without its end too
    lines_.push_back(begin);
  }
}

std::optional<JournalEntry> JournalReader::previous() {
  if (lines_.empty()) return std::nullopt;
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(lines_.back()));
  const size_t number = lines_.size() + 1;
  lines_.pop_back();
  std::string line;
  std::getline(file_, line);
  try {
    return entry_of(Json::parse(line));
  } catch (const std::exception& error) {
    throw UserError(fmt::format("{}, line {}: damaged: {}", path_.string(), number, error.what()));
  }
}

}  // namespace lockstep::verifier
