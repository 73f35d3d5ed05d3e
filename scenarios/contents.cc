#include "scenarios/contents.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/base/bytes.h"

namespace lockstep::scenarios {

namespace {

constexpr size_t first_count = 5;
constexpr size_t shown_bytes = 60;

std::string shown(const std::string& text) { return "\"" + printable(text, shown_bytes) + "\""; }

std::string shown(const KeyName& name) {
  return fmt::format("{} (db {})", shown(name.key), name.db);
}

std::string expiry_text(std::optional<int64_t> at) {
  return at ? fmt::format("{} ms", *at) : std::string("none");
}

/// One comparison of two sides.
class Comparer {
 public:
  Comparer(const Contents& source, const Contents& target, int64_t tolerance_ms)
      : source_(source), target_(target), tolerance_ms_(tolerance_ms) {}

  ContentFindings run() {
    for (const auto& [name, content] : source_.keys) {
      const auto other = target_.keys.find(name);
      if (other == target_.keys.end()) {
        one_side(findings_.missing, "missing", name, content, target_);
      } else if (auto what = difference(content, other->second)) {
        note(findings_.different, "different", name, *what);
      }
    }
    for (const auto& [name, content] : target_.keys) {
      if (!source_.keys.contains(name)) one_side(findings_.extra, "extra", name, content, source_);
    }
    for (const KeyName& name : target_.doubled)
      note(findings_.extra, "extra", name, "on two servers of the target");
    return std::move(findings_);
  }

 private:
  bool due(int64_t at_ms, const Contents& side) const {
    return at_ms <= side.taken_ms + tolerance_ms_;
  }
  bool near(int64_t a, int64_t b) const { return std::abs(a - b) <= tolerance_ms_; }

  void note(size_t& counter, const char* what, const KeyName& name, const std::string& detail) {
    ++counter;
    if (findings_.first.size() < first_count)
      findings_.first.push_back(fmt::format("{} {}: {}", what, shown(name), detail));
  }

  void one_side(size_t& counter, const char* what, const KeyName& name, const KeyContent& content,
                const Contents& other) {
    if (may_be_gone(content, other)) {
      ++findings_.expired;
    } else {
      note(counter, what, name,
           fmt::format("a {}, expiry {}", content.type, expiry_text(content.expire_at_ms)));
    }
  }

  std::optional<std::string> difference(const KeyContent& source, const KeyContent& target) const {
    if (source == target) return std::nullopt;
    if (source.type != target.type)
      return fmt::format("source {}, target {}", source.type, target.type);
    for (const auto& [part, text] : source.parts) {
      if (auto what = part_difference(source, target, part)) return what;
    }
    for (const auto& [part, text] : target.parts) {
      if (auto what = part_difference(source, target, part)) return what;
    }
    const auto s = source.expire_at_ms, t = target.expire_at_ms;
    if (s.has_value() != t.has_value() || (s && !near(*s, *t)))
      return fmt::format("expiry: source {}, target {}", expiry_text(s), expiry_text(t));
    return std::nullopt;
  }

  std::optional<std::string> part_difference(const KeyContent& source, const KeyContent& target,
                                             const std::string& part) const {
    const auto s = source.parts.find(part);
    const auto t = target.parts.find(part);
    const bool in_source = s != source.parts.end(), in_target = t != target.parts.end();
    if (!in_source || !in_target) {
      const bool excused =
          in_source ? may_lack(source, part, target_) : may_lack(target, part, source_);
      if (excused) return std::nullopt;
      return fmt::format("{} {} only in the {}", source.type, shown(part),
                         in_source ? "source" : "target");
    }
    if (s->second != t->second)
      return fmt::format("{} {}: source {}, target {}", source.type, shown(part), shown(s->second),
                         shown(t->second));
    return field_expiry_difference(source, target, part);
  }

  /// Only streams have parts that some servers do not tell, and only hashes fields that expire.
  bool may_lack(const KeyContent& content, const std::string& part, const Contents& other) const {
    if (content.type == "stream") return part.starts_with('?');
    const auto at = content.field_expiries.find(part);
    return at != content.field_expiries.end() && due(at->second, other);
  }

  /// A hash goes with its last field.
  bool may_be_gone(const KeyContent& content, const Contents& other) const {
    if (content.expire_at_ms && due(*content.expire_at_ms, other)) return true;
    return content.type == "hash" &&
           std::all_of(content.parts.begin(), content.parts.end(),
                       [&](const auto& part) { return may_lack(content, part.first, other); });
  }

  std::optional<std::string> field_expiry_difference(const KeyContent& source,
                                                     const KeyContent& target,
                                                     const std::string& field) const {
    const auto at = [&](const KeyContent& content) {
      const auto found = content.field_expiries.find(field);
      return found == content.field_expiries.end() ? std::nullopt : std::optional(found->second);
    };
    const auto s = at(source), t = at(target);
    if (s.has_value() == t.has_value() && (!s || near(*s, *t))) return std::nullopt;
    return fmt::format("expiry of field {}: source {}, target {}", shown(field), expiry_text(s),
                       expiry_text(t));
  }

  const Contents& source_;
  const Contents& target_;
  int64_t tolerance_ms_;
  ContentFindings findings_;
};

}  // namespace

std::string list_part(size_t place) { return fmt::format("{:010}", place); }

std::string string_text(std::string text) {
  // "HYLL", encoding, three zeros, the cached cardinality (8 bytes), registers
  if (text.size() > 16 && text.starts_with("HYLL") && text.compare(5, 3, std::string(3, '\0')) == 0)
    text.replace(8, 8, 8, '\0');
  return text;
}

/// Servers print -0 and 0 alike.
std::string score_text(double score) { return fmt::format("{:.17g}", score + 0.0); }

std::string entry_text(const std::map<std::string, std::string>& fields) {
  std::string text;
  for (const auto& [field, value] : fields)
    text += fmt::format("{}:{}={}:{} ", field.size(), field, value.size(), value);
  return text;
}

std::string pending_text(uint64_t deliveries, uint64_t last_ms) {
  return fmt::format("delivered {} times, last at {}", deliveries, last_ms);
}

void Contents::add(Contents other) {
  keys.merge(other.keys);
  for (const auto& [name, content] : other.keys) doubled.push_back(name);
  taken_ms = std::max(taken_ms, other.taken_ms);
}

ContentFindings compare_contents(const Contents& source, const Contents& target,
                                 int64_t tolerance_ms) {
  return Comparer(source, target, tolerance_ms).run();
}

}  // namespace lockstep::scenarios
