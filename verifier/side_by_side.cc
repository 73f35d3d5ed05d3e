#include "verifier/side_by_side.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "verifier/value_parts.h"

namespace lockstep::verifier {

namespace {

using Mark = SideRow::Mark;

constexpr size_t cell_bytes = 40;
constexpr size_t lead_bytes = 8;

/// `text` cut to a cell that shows the byte `at`.
std::string cell(Bytes text, size_t at) {
  const size_t begin = text.size() <= cell_bytes || at < cell_bytes ? 0 : at - lead_bytes;
  return (begin > 0 ? "…" : "") + printable(text.substr(begin), cell_bytes);
}

std::string with_expiry(std::string text, const ValuePart& part) {
  if (part.expire_at) text += " until " + std::to_string(part.expire_at->ms);
  return text;
}

SideRow one_sided(const ValuePart& part, Mark mark) {
  SideRow row{mark, printable(part.name, cell_bytes), "", ""};
  (mark == Mark::source_only ? row.source : row.target) = with_expiry(cell(part.text, 0), part);
  return row;
}

SideRow both_sided(const ValuePart& source, const ValuePart& target, const Tolerance& tolerance) {
  const auto [s, t] =
      std::mismatch(source.text.begin(), source.text.end(), target.text.begin(), target.text.end());
  const bool told = source.known && target.known;
  const bool same = !told || (s == source.text.end() && t == target.text.end() &&
                              tolerance.same(source.expire_at, target.expire_at));
  const auto at = static_cast<size_t>(s - source.text.begin());
  return {same ? Mark::same : Mark::different, printable(source.name, cell_bytes),
          with_expiry(cell(source.text, at), source), with_expiry(cell(target.text, at), target)};
}

using Parts = std::vector<ValuePart>;

std::vector<SideRow> merge(const Parts& source, const Parts& target, const Tolerance& tolerance) {
  std::vector<SideRow> rows;
  auto s = source.begin();
  auto t = target.begin();
  while (s != source.end() || t != target.end()) {
    if (t == target.end() || (s != source.end() && s->order < t->order)) {
      rows.push_back(one_sided(*s++, Mark::source_only));
    } else if (s == source.end() || t->order < s->order) {
      rows.push_back(one_sided(*t++, Mark::target_only));
    } else {
      rows.push_back(both_sided(*s++, *t++, tolerance));
    }
  }
  return rows;
}

/// Marks which rows to show: those that differ, then others, in their order, until it is enough.
std::vector<bool> chosen(const std::vector<SideRow>& rows, size_t rows_max) {
  std::vector<bool> shown(rows.size());
  for (const bool differing : {true, false}) {
    for (size_t i = 0; i < rows.size() && rows_max > 0; ++i) {
      if (shown[i] || (rows[i].mark != Mark::same) != differing) continue;
      shown[i] = true;
      --rows_max;
    }
  }
  return shown;
}

/// Columns of a terminal that `text` takes: characters, not bytes.
size_t width_of(Bytes text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string padded(std::string text, size_t width) {
  text.append(width - std::min(width, width_of(text)), ' ');
  return text;
}

std::string table(const std::vector<SideRow>& rows, const std::vector<bool>& shown) {
  size_t name = 10, source = 12;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!shown[i]) continue;
    name = std::max(name, width_of(rows[i].name));
    source = std::max(source, width_of(rows[i].source));
  }
  std::string out;
  bool gap = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!shown[i]) {
      gap = true;
      continue;
    }
    if (std::exchange(gap, false)) out += "  …\n";
    const SideRow& row = rows[i];
    out += fmt::format("{} {}  {}  {}\n", static_cast<char>(row.mark), padded(row.name, name),
                       padded(row.source, source), row.target);
  }
  return out;
}

std::string hidden_text(const std::vector<SideRow>& rows, const std::vector<bool>& shown) {
  size_t same = 0, different = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!shown[i]) ++(rows[i].mark == Mark::same ? same : different);
  }
  if (same + different == 0) return "";
  return fmt::format("  … {} more are equal, {} more differ\n", format_count(same),
                     format_count(different));
}

SideRow property(const char* name, std::string source, std::string target, bool same) {
  return {same ? Mark::same : Mark::different, name, std::move(source), std::move(target)};
}

std::optional<DecodedValue> decoded(const Reading& reading) {
  return reading.payload ? std::optional(decode_payload(*reading.payload)) : std::nullopt;
}

std::string type_text(const std::optional<DecodedValue>& value) {
  if (!value) return "none";
  return fmt::format("{}, {} elements", value->type, format_count(value->elements));
}

}  // namespace

std::vector<SideRow> side_by_side(const rdb::Object* source, const rdb::Object* target,
                                  const Tolerance& tolerance) {
  if (source && target && source->index() != target->index()) {
    std::vector<SideRow> rows = side_by_side(source, nullptr, tolerance);
    const std::vector<SideRow> others = side_by_side(nullptr, target, tolerance);
    rows.insert(rows.end(), others.begin(), others.end());
    return rows;
  }
  return merge(source ? value_parts(*source) : Parts(), target ? value_parts(*target) : Parts(),
               tolerance);
}

std::string explain_text(const Reading& source, const Reading& target, const Tolerance& tolerance,
                         size_t rows_max) {
  const auto s = decoded(source);
  const auto t = decoded(target);
  std::vector<SideRow> head;
  head.push_back(property("", "source", "target", true));
  head.push_back(
      property("type", type_text(s), type_text(t), (s ? s->type : "") == (t ? t->type : "")));
  head.push_back(property("expiry", printable_expiry(source.expire_at),
                          printable_expiry(target.expire_at),
                          tolerance.same(source.expire_at, target.expire_at)));
  const std::vector<SideRow> rows = side_by_side(s && s->object ? &*s->object : nullptr,
                                                 t && t->object ? &*t->object : nullptr, tolerance);
  const std::vector<bool> shown = chosen(rows, rows_max);
  std::string out = table(head, std::vector<bool>(head.size(), true)) + "\n";
  return out + table(rows, shown) + hidden_text(rows, shown);
}

}  // namespace lockstep::verifier
