#include "scenarios/rdb_decoder_output.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sync/base/error.h"
#include "sync/resp/parser.h"

namespace lockstep::scenarios {

using nlohmann::json;

namespace {

struct Row {
  KeyName name;
  std::string type;
  bool expires = false;
};

/// One field of a record in CSV (RFC 4180); `end` is set behind the last.
std::string take_field(Bytes& text, bool& end) {
  std::string field;
  const bool quoted = text.starts_with('"');
  size_t at = quoted ? 1 : 0;
  for (; at < text.size(); ++at) {
    if (quoted && text[at] == '"') {
      if (text.substr(at + 1, 1) != "\"") break;
      ++at;
    } else if (!quoted && (text[at] == ',' || text[at] == '\n')) {
      break;
    }
    field += text[at];
  }
  if (quoted) ++at;
  end = at >= text.size() || text[at] == '\n';
  text.remove_prefix(std::min(text.size(), at + 1));
  return field;
}

std::vector<std::string> take_record(Bytes& text) {
  std::vector<std::string> fields;
  for (bool end = false; !end;) fields.push_back(take_field(text, end));
  return fields;
}

/// database,key,type,size,size_readable,element_count,encoding,expiration
std::vector<Row> read_rows(Bytes text) {
  std::vector<Row> rows;
  take_record(text);
  while (!text.empty()) {
    const auto fields = take_record(text);
    if (fields.size() != 8) throw FormatError(rows.size(), "RDB decoder: a row of other fields");
    const auto db = static_cast<uint32_t>(std::strtoul(fields[0].c_str(), nullptr, 10));
    rows.push_back({{db, fields[1]}, fields[2], !fields[7].empty()});
  }
  return rows;
}

/// Raw bytes that are no UTF-8 stand in some texts: each byte above 127 is taken for a character.
std::string as_utf8(Bytes text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      result += c;
    } else {
      result += static_cast<char>(0xc0 | (byte >> 6));
      result += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return result;
}

std::vector<json> read_streams(Bytes text) {
  std::vector<json> streams;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    Bytes line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    if (line.ends_with(',')) line.remove_suffix(1);
    if (line.find("\"type\":\"stream\"") == Bytes::npos) continue;
    json object = json::parse(as_utf8(line), nullptr, false);
    if (object.is_object() && object.value("type", "") == "stream")
      streams.push_back(std::move(object));
  }
  return streams;
}

/// The commands, one at a time.
class Commands {
 public:
  explicit Commands(Bytes text) : left_(text) { advance(); }

  bool ended() const { return words_.empty(); }
  bool is(Bytes name, const std::string& key) const {
    return words_.size() > 1 && words_[0] == name && words_[1] == key;
  }
  /// The words behind the key of the command at hand, which must be this one; then the next.
  std::vector<std::string> take(Bytes name, const std::string& key) {
    if (!is(name, key))
      throw FormatError(
          at_, fmt::format("RDB decoder: {} of key \"{}\" expected", name, printable(key)));
    std::vector<std::string> rest(words_.begin() + 2, words_.end());
    advance();
    return rest;
  }

 private:
  void advance() {
    words_.clear();
    if (left_.empty()) return;
    const auto length = parser_.parse(left_);
    if (!length) throw FormatError(at_, "RDB decoder: its commands end too early");
    for (size_t i = 1; i < parser_.nodes().size(); ++i)
      words_.emplace_back(parser_.nodes()[i].text);
    left_.remove_prefix(*length);
    at_ += *length;
  }

  Bytes left_;
  uint64_t at_ = 0;
  resp::Parser parser_;
  std::vector<std::string> words_;
};

std::string joined(const json& ids) {
  std::string text;
  for (const json& id : ids) text += id.get<std::string>() + " ";
  return text;
}

const json& list_of(const json& object, const char* name) {
  static const json none = json::array();
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? none : *found;
}

void read_group(const json& group, bool counts, KeyContent& content) {
  const std::string prefix = "group " + group.at("name").get<std::string>();
  content.parts[prefix + " last id"] = group.at("lastId");
  // The greatest number: the server has lost count.
  const uint64_t read = group.value("entriesRead", uint64_t{0});
  if (counts && read != UINT64_MAX)
    content.parts["?" + prefix + " entries read"] = std::to_string(read);
  for (const json& entry : list_of(group, "pending"))
    content.parts[prefix + " pending " + entry.at("id").get<std::string>()] =
        pending_text(entry.at("deliveryCount"), entry.at("deliveryTime"));
  for (const json& consumer : list_of(group, "consumers"))
    content.parts[prefix + " consumer " + consumer.at("name").get<std::string>()] =
        joined(list_of(consumer, "pending"));
}

/// Reads all commands of all keys, in step with the rows.
class Reader {
 public:
  Reader(Bytes commands, Bytes objects) : commands_(commands), streams_(read_streams(objects)) {}

  KeyContent read(const Row& row) {
    KeyContent content{row.type};
    read_value(row.type, row.name.key, content);
    if (row.expires) {
      const auto words = commands_.take("PEXPIREAT", row.name.key);
      content.expire_at_ms = std::strtoll(words.at(0).c_str(), nullptr, 10);
    }
    return content;
  }
  void finish() const {
    if (!commands_.ended() || stream_ != streams_.size())
      throw FormatError(0, "RDB decoder: more values than keys");
  }

 private:
  void read_value(const std::string& type, const std::string& key, KeyContent& content) {
    if (type == "string") {
      content.parts["value"] = string_text(commands_.take("SET", key).at(0));
    } else if (type == "list") {
      size_t place = 0;
      for (auto& item : commands_.take("RPUSH", key))
        content.parts[list_part(place++)] = std::move(item);
    } else if (type == "set") {
      for (auto& member : commands_.take("SADD", key)) content.parts[std::move(member)];
    } else if (type == "hash") {
      read_hash(key, content);
    } else if (type == "zset") {
      const auto words = commands_.take("ZADD", key);
      for (size_t i = 0; i + 1 < words.size(); i += 2)
        content.parts[words[i + 1]] = score_text(std::strtod(words[i].c_str(), nullptr));
    } else if (type == "stream") {
      read_stream(key, content);
    } else {
      throw FormatError(0, "RDB decoder: unknown type " + type);
    }
  }

  void read_hash(const std::string& key, KeyContent& content) {
    const auto words = commands_.take("HMSET", key);
    for (size_t i = 0; i + 1 < words.size(); i += 2) content.parts[words[i]] = words[i + 1];
    // [HPEXPIREAT key] at FIELDS 1 field, or [HPERSIST key] FIELDS 1 field: in any order.
    for (;;) {
      if (commands_.is("HPEXPIREAT", key)) {
        const auto expiry = commands_.take("HPEXPIREAT", key);
        content.field_expiries[expiry.at(3)] = std::strtoll(expiry[0].c_str(), nullptr, 10);
      } else if (commands_.is("HPERSIST", key)) {
        commands_.take("HPERSIST", key);
      } else {
        return;
      }
    }
  }

  void read_stream(const std::string& key, KeyContent& content) {
    if (stream_ == streams_.size())
      throw FormatError(0, "RDB decoder: a stream is not among the objects");
    const json& stream = streams_[stream_++];
    for (const json& node : list_of(stream, "entries")) {
      for (const json& message : list_of(node, "msgs")) read_entry(key, message, content);
    }
    const bool counts = stream.value("version", 1) >= 2;
    content.parts["last id"] = stream.at("lastId");
    content.parts["length"] = std::to_string(stream.at("len").get<uint64_t>());
    if (counts) {
      content.parts["?entries added"] =
          std::to_string(stream.value("addedEntriesCount", uint64_t{0}));
      content.parts["?greatest deleted id"] = stream.at("maxDeletedId");
    }
    for (const json& group : list_of(stream, "groups")) read_group(group, counts, content);
  }

  /// The command has the texts, also of an entry that is marked as deleted.
  void read_entry(const std::string& key, const json& message, KeyContent& content) {
    const auto words = commands_.take("XADD", key);
    if (words.at(0) != message.at("id").get<std::string>())
      throw FormatError(0, "RDB decoder: entries out of step");
    if (message.at("deleted").get<bool>()) return;
    std::map<std::string, std::string> fields;
    for (size_t i = 1; i + 1 < words.size(); i += 2) fields[words[i]] = words[i + 1];
    content.parts["entry " + words[0]] = entry_text(fields);
  }

  Commands commands_;
  std::vector<json> streams_;
  size_t stream_ = 0;
};

}  // namespace

Contents read_decoder_output(Bytes rows, Bytes commands, Bytes objects) {
  try {
    Contents contents;
    Reader reader(commands, objects);
    for (const Row& row : read_rows(rows)) contents.keys[row.name] = reader.read(row);
    reader.finish();
    return contents;
  } catch (const json::exception& error) {
    throw FormatError(0, fmt::format("RDB decoder: {}", error.what()));
  } catch (const std::out_of_range&) {
    throw FormatError(0, "RDB decoder: a command has too few words");
  }
}

bool has_streams(Bytes rows) {
  for (const Row& row : read_rows(rows)) {
    if (row.type == "stream") return true;
  }
  return false;
}

}  // namespace lockstep::scenarios
