#include "verifier/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/rdb/digest.h"
#include "sync/rdb/dump_payload.h"
#include "verifier/explain.h"

namespace lockstep::verifier {

namespace {

rdb::Kind kind_of(const rdb::DumpView& view) {
  const auto kind = rdb::kind_of(view.type);
  if (!kind) throw FormatError(0, fmt::format("unknown value type {}", view.type));
  return *kind;
}

Comparison& differ(Comparison& result, DiffClass diff_class, std::string detail) {
  result.outcome = Outcome::different;
  result.diff_class = diff_class;
  result.detail = std::move(detail);
  return result;
}

std::optional<std::string> misplaced(const Reading& reading, const char* side) {
  if (reading.nodes.size() < 2) return std::nullopt;
  return fmt::format("on {} nodes of the {} at once", reading.nodes.size(), side);
}

/// A hash goes with its last field.
bool all_fields_due(const std::string& payload, bool on_target, const Tolerance& tolerance,
                    int64_t now_ms) {
  const rdb::DumpView view = rdb::parse_dump_payload(payload);
  if (kind_of(view) != rdb::Kind::hash) return false;
  const rdb::Object object = rdb::decode_object(view.type, view.value);
  const auto& fields = std::get<rdb::Hash>(object).fields;
  return std::all_of(fields.begin(), fields.end(), [&](const rdb::HashField& field) {
    return tolerance.due(field.expire_at, on_target, now_ms);
  });
}

/// One side has the key.
void compare_presence(const Reading& source, const Reading& target, const Tolerance& tolerance,
                      Comparison& result) {
  const bool on_target = target.payload.has_value();
  const Reading& present = on_target ? target : source;
  const int64_t now_ms = std::max(source.now_ms, target.now_ms);
  if (tolerance.due(present.expire_at, on_target, now_ms) ||
      all_fields_due(*present.payload, on_target, tolerance, now_ms)) {
    result.outcome = Outcome::expired;
  } else {
    differ(result, on_target ? DiffClass::extra : DiffClass::missing, "");
  }
}

void compare_values(const rdb::DumpView& source, const rdb::DumpView& target,
                    const Tolerance& tolerance, Comparison& result) {
  const rdb::Kind kind = kind_of(source);
  if (kind != kind_of(target)) {
    differ(result, DiffClass::type, result.source_type + " against " + result.target_type);
    return;
  }
  if (source.type == target.type && source.value == target.value) return;
  if (result.source_digest == result.target_digest) return;
  if (kind == rdb::Kind::module) {
    result.outcome = Outcome::unverifiable;
    result.detail = "a module's value whose bytes differ: only the module could compare them";
    return;
  }
  const auto found = first_difference(rdb::decode_object(source.type, source.value),
                                      rdb::decode_object(target.type, target.value), tolerance);
  if (found) differ(result, found->diff_class, found->detail);
}

void compare_present(const Reading& source, const Reading& target, const Tolerance& tolerance,
                     Comparison& result) {
  const rdb::DumpView s = rdb::parse_dump_payload(*source.payload);
  const rdb::DumpView t = rdb::parse_dump_payload(*target.payload);
  compare_values(s, t, tolerance, result);
  if (result.outcome == Outcome::equal && !tolerance.same(source.expire_at, target.expire_at)) {
    differ(result, DiffClass::expiry,
           fmt::format("source {}, target {}", printable_expiry(source.expire_at),
                       printable_expiry(target.expire_at)));
  }
}

void describe(const Reading& reading, std::string& type, uint64_t& digest) {
  if (!reading.payload) return;
  const rdb::DumpView view = rdb::parse_dump_payload(*reading.payload);
  type = rdb::kind_name(kind_of(view));
  digest = rdb::value_digest(view.type, view.value).low;
}

void compare_into(const Reading& source, const Reading& target, const Tolerance& tolerance,
                  Comparison& result) {
  describe(source, result.source_type, result.source_digest);
  describe(target, result.target_type, result.target_digest);
  if (source.payload && target.payload) {
    compare_present(source, target, tolerance, result);
  } else if (source.payload || target.payload) {
    compare_presence(source, target, tolerance, result);
  }
  auto place = misplaced(source, "source");
  if (!place) place = misplaced(target, "target");
  if (place) differ(result, DiffClass::misplaced, *place);
}

}  // namespace

Comparison compare(const Reading& source, const Reading& target, const Tolerance& tolerance) {
  Comparison result;
  Tolerance now = tolerance;
  now.now_ms = std::max(source.now_ms, target.now_ms);
  try {
    compare_into(source, target, now, result);
  } catch (const FormatError& error) {
    result.outcome = Outcome::unverifiable;
    result.detail = error.what();
  }
  return result;
}

}  // namespace lockstep::verifier
