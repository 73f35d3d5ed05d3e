#include "scenarios/yaml_map.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "sync/base/bytes.h"
#include "sync/base/error.h"
#include "sync/base/nearest.h"

namespace lockstep::scenarios {

struct YamlMap::Entry {
  YAML::Node value;
  int line = 0;
  int column = 0;
};

namespace {

constexpr size_t file_bytes_max = 1 << 20;
constexpr std::chrono::milliseconds duration_max = std::chrono::hours(24);

constexpr std::string_view kind_name(YAML::NodeType::value type) {
  switch (type) {
    case YAML::NodeType::Map:
      return "a mapping";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Scalar:
      return "a plain value";
    default:
      return "nothing";
  }
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = parse_number<uint32_t>(text.substr(0, digits));
  if (!count) return std::nullopt;
  const auto unit = text.substr(digits);
  if (unit == "ms") return std::chrono::milliseconds(*count);
  if (unit == "s") return std::chrono::seconds(*count);
  if (unit == "min") return std::chrono::minutes(*count);
  return std::nullopt;
}

/// Notes where each document begins, and nothing else.
class DocumentMarks : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { marks.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  std::vector<YAML::Mark> marks;
};

/// Where the first documents begin, two of them at most. Not YAML::LoadAll(), which finds documents
/// without end in text whose first character can begin none, such as a comma.
std::vector<YAML::Mark> document_marks(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  DocumentMarks handler;
  while (handler.marks.size() < 2 && parser.HandleNextDocument(handler)) {
  }
  if (handler.marks.size() == 2 && handler.marks[0].pos == handler.marks[1].pos)
    throw YAML::ParserException(handler.marks[0], "a character that can begin nothing");
  return handler.marks;
}

}  // namespace

YAML::Node load_document(const std::string& text, const std::string& file,
                         const std::string& what) {
  const auto fail = [&](int line, int column, const std::string& message) {
    throw UserError(fmt::format("{}:{}:{}: {}", file, line, column, message),
                    ExitCode::bad_arguments);
  };
  if (text.size() > file_bytes_max)
    fail(1, 1, fmt::format("a {} of more than 1 MB; is this the right file?", what));
  YAML::Node document;
  std::vector<YAML::Mark> marks;
  try {
    marks = document_marks(text);
    document = YAML::Load(text);
  } catch (const YAML::Exception& error) {
    fail(error.mark.line + 1, error.mark.column + 1, "not YAML: " + error.msg);
  }
  if (marks.size() > 1)
    fail(marks[1].line + 1, 1,
         fmt::format("a second {} in the same file; make it a file of its own", what));
  return document;
}

YamlMap::YamlMap(const YAML::Node& node, std::string file, std::string what)
    : file_(std::move(file)), what_(std::move(what)) {
  if (!node.IsDefined() || node.IsNull()) return;
  line_ = node.Mark().line;
  column_ = node.Mark().column;
  if (!node.IsMap()) {
    fail("", fmt::format("{} must be a mapping of keys to values, but is {}", what_,
                         kind_name(node.Type())));
  }
  for (const auto& item : node) {
    const auto mark = item.first.Mark();
    if (!item.first.IsScalar()) fail_at(mark.line, mark.column, "a key must be plain text");
    const std::string& key = item.first.Scalar();
    for (const auto& [other, entry] : entries_) {
      if (other != key) continue;
      fail_at(mark.line, mark.column,
              fmt::format("key \"{}\" stands twice in {} (first in line {}); remove one",
                          printable(key), what_, entry->line + 1));
    }
    entries_.emplace_back(key, std::make_shared<Entry>(Entry{item.second, mark.line, mark.column}));
  }
}

const YamlMap::Entry* YamlMap::find(const std::string& key) {
  known_.push_back(key);
  for (const auto& [name, entry] : entries_) {
    if (name == key) return entry.get();
  }
  return nullptr;
}

bool YamlMap::has(const std::string& key) { return find(key) != nullptr; }

std::string YamlMap::scalar(const Entry& entry) const {
  if (entry.value.IsScalar()) return entry.value.Scalar();
  fail_at(entry.line, entry.column,
          fmt::format("expected a plain value here, found {}", kind_name(entry.value.Type())));
}

std::string YamlMap::text(const std::string& key, const std::string& otherwise) {
  const Entry* entry = find(key);
  return entry ? scalar(*entry) : otherwise;
}

std::string YamlMap::required_text(const std::string& key) {
  const Entry* entry = find(key);
  if (!entry) fail("", fmt::format("{} needs the key \"{}\"", what_, key));
  return scalar(*entry);
}

bool YamlMap::flag(const std::string& key, bool otherwise) {
  return choice(key, otherwise ? "yes" : "no", {"yes", "no", "true", "false"})
             .find_first_of("yt") == 0;
}

uint64_t YamlMap::number(const std::string& key, uint64_t otherwise, uint64_t min, uint64_t max) {
  const Entry* entry = find(key);
  if (!entry) return otherwise;
  const auto value = parse_number<uint64_t>(scalar(*entry));
  if (value && *value >= min && *value <= max) return *value;
  fail(key, fmt::format("\"{}\" must be a whole number from {} to {}, not \"{}\"", key, min, max,
                        printable(scalar(*entry))));
}

double YamlMap::real(const std::string& key, double otherwise, double min, double max) {
  const Entry* entry = find(key);
  if (!entry) return otherwise;
  const auto value = parse_number<double>(scalar(*entry));
  if (value && *value >= min && *value <= max) return *value;
  fail(key, fmt::format("\"{}\" must be a number from {} to {}, not \"{}\"", key, min, max,
                        printable(scalar(*entry))));
}

std::chrono::milliseconds YamlMap::duration(const std::string& key,
                                            std::chrono::milliseconds otherwise) {
  const Entry* entry = find(key);
  if (!entry) return otherwise;
  const auto value = parse_duration(scalar(*entry));
  if (value && *value <= duration_max) return *value;
  fail(key, fmt::format("\"{}\" must be a duration such as 250ms, 5s or 2min, of a day at most, "
                        "not \"{}\"",
                        key, printable(scalar(*entry))));
}

std::string YamlMap::choice(const std::string& key, const std::string& otherwise,
                            const std::vector<std::string>& values) {
  const std::string value = text(key, otherwise);
  if (std::find(values.begin(), values.end(), value) != values.end()) return value;
  fail(key, fmt::format("\"{}\" cannot be \"{}\"; did you mean \"{}\"? Possible: {}", key,
                        printable(value), nearest(value.substr(0, 64), values),
                        fmt::join(values, ", ")));
}

std::vector<std::string> YamlMap::texts(const std::string& key) {
  const Entry* entry = find(key);
  if (!entry) return {};
  if (!entry->value.IsSequence()) return {scalar(*entry)};
  std::vector<std::string> result;
  for (const auto& item : entry->value) {
    if (!item.IsScalar()) fail_at(item.Mark().line, item.Mark().column, "expected a plain value");
    result.push_back(item.Scalar());
  }
  return result;
}

std::map<std::string, std::string> YamlMap::dictionary(const std::string& key) {
  const Entry* entry = find(key);
  if (!entry) return {};
  const YamlMap map(entry->value, file_, "\"" + key + "\"");
  std::map<std::string, std::string> result;
  for (const auto& [name, value] : map.entries_) result[name] = map.scalar(*value);
  return result;
}

std::vector<std::pair<std::string, YamlMap>> YamlMap::children(const std::string& key) {
  const Entry* entry = find(key);
  std::vector<std::pair<std::string, YamlMap>> result;
  if (!entry) return result;
  if (entry->value.IsSequence()) {
    for (const auto& item : entry->value) {
      result.emplace_back("", YamlMap(item, file_, "an entry of \"" + key + "\""));
    }
    return result;
  }
  const YamlMap map(entry->value, file_, "\"" + key + "\"");
  for (const auto& [name, value] : map.entries_) {
    result.emplace_back(name, YamlMap(value->value, file_, "\"" + key + ": " + name + "\""));
  }
  return result;
}

YamlMap YamlMap::child(const std::string& key) {
  const Entry* entry = find(key);
  YamlMap map(entry ? entry->value : YAML::Node(), file_, "\"" + key + "\"");
  if (entry && map.entries_.empty()) {
    map.line_ = entry->line;
    map.column_ = entry->column;
  }
  return map;
}

void YamlMap::finish() const {
  for (const auto& [key, entry] : entries_) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    fail_at(entry->line, entry->column,
            fmt::format("unknown key \"{}\" in {}; did you mean \"{}\"? Known: {}", printable(key),
                        what_, nearest(key.substr(0, 64), known_), fmt::join(known_, ", ")));
  }
}

void YamlMap::fail(const std::string& key, const std::string& message) const {
  for (const auto& [name, entry] : entries_) {
    if (name == key) fail_at(entry->line, entry->column, message);
  }
  fail_at(line_, column_, message);
}

void YamlMap::fail_at(int line, int column, const std::string& message) const {
  throw UserError(fmt::format("{}:{}:{}: {}", file_, line + 1, column + 1, message),
                  ExitCode::bad_arguments);
}

}  // namespace lockstep::scenarios
