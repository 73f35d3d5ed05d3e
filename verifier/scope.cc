#include "verifier/scope.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "sync/rdb/decode.h"
#include "verifier/glob.h"

namespace lockstep::verifier {

namespace {

/// So many and more are as good as normally distributed.
constexpr uint64_t normal_from = 10'000;
/// Keep parts and samples apart from each other and from the partitions of the ledger.
constexpr uint64_t part_seed = 0x70617274;
constexpr uint64_t sample_seed = 0x73616d70;

[[noreturn]] void refuse(const char* flag, const std::string& text, const char* expected) {
  throw UserError(fmt::format("{} {}: {}", flag, text, expected), ExitCode::bad_arguments);
}

template <class Number>
std::optional<Number> parse_number(Bytes text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<rdb::Kind> parse_type(const std::string& text) {
  if (text.empty()) return std::nullopt;
  for (const auto kind : {rdb::Kind::string, rdb::Kind::list, rdb::Kind::set, rdb::Kind::hash,
                          rdb::Kind::zset, rdb::Kind::stream, rdb::Kind::module}) {
    if (text == rdb::kind_name(kind)) return kind;
  }
  refuse("--type", text, "one of string, list, set, zset, hash, stream, module");
}

std::optional<SlotSet> parse_slots(const std::string& text) {
  if (text.empty()) return std::nullopt;
  SlotSet slots;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    const Bytes range = Bytes(text).substr(begin, comma - begin);
    const size_t dash = range.find('-');
    const auto first = parse_number<uint16_t>(range.substr(0, dash));
    const auto last = dash == Bytes::npos ? first : parse_number<uint16_t>(range.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= slot_count)
      refuse("--slots", text, "ranges of slots from 0 to 16383, as in 0-5460,9000");
    for (size_t slot = *first; slot <= *last; ++slot) slots.set(slot);
    begin = comma + 1;
  }
  return slots;
}

Part parse_part(const std::string& text) {
  if (text.empty()) return {};
  const size_t slash = text.find('/');
  const auto index = parse_number<uint32_t>(Bytes(text).substr(0, slash));
  const auto count = slash == std::string::npos
                         ? std::nullopt
                         : parse_number<uint32_t>(Bytes(text).substr(slash + 1));
  if (!index || !count || *index == 0 || *index > *count)
    refuse("--part", text, "the number of a part and how many there are, as in 2/8");
  return {*index, *count};
}

/// 2^64 times the share; 0: no sample.
uint64_t parse_sample(const std::string& text) {
  if (text.empty()) return 0;
  const Bytes number = text.ends_with('%') ? Bytes(text).substr(0, text.size() - 1) : Bytes();
  const auto percent = parse_number<double>(number);
  if (!percent || !(*percent > 0) || *percent > 100)
    refuse("--sample", text, "a share above 0% and at most 100%, as in 1% or 0.01%");
  if (*percent == 100) return 0;
  return std::max<uint64_t>(1, static_cast<uint64_t>(std::ldexp(*percent / 100, 64)));
}

uint64_t hash(DbIndex db, Bytes key, uint64_t seed) {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed + db.value);
}

/// The chance that at most `different` of `sampled` keys differ, if each does with `p`.
double chance_of_at_most(uint64_t different, double sampled, double p) {
  if (different > normal_from) {
    const double deviation = std::sqrt(sampled * p * (1 - p));
    return std::erfc((sampled * p - static_cast<double>(different)) / deviation / std::sqrt(2.0)) /
           2;
  }
  double sum = 0;
  for (uint64_t i = 0; i <= different; ++i) {
    const auto k = static_cast<double>(i);
    sum += std::exp(std::lgamma(sampled + 1) - std::lgamma(k + 1) - std::lgamma(sampled - k + 1) +
                    k * std::log(p) + (sampled - k) * std::log1p(-p));
  }
  return sum;
}

}  // namespace

Scope::Scope(ScopeOptions options)
    : options_(std::move(options)),
      dbs_(options_.db.begin(), options_.db.end()),
      kind_(parse_type(options_.type)),
      slots_(parse_slots(options_.slots)),
      part_(parse_part(options_.part)),
      sample_below_(parse_sample(options_.sample)) {
  everything_ =
      dbs_.empty() && options_.match.empty() && !slots_ && part_.count == 1 && sample_below_ == 0;
}

Take Scope::take(DbIndex db, Bytes key) const {
  if (everything_) return Take::yes;
  if (!takes(db)) return Take::no;
  if (!options_.match.empty() && !glob_match(options_.match, key)) return Take::no;
  if (slots_ && !slots_->test(cluster::slot_of(key).value)) return Take::no;
  if (part_.count > 1 && hash(db, key, part_seed) % part_.count != part_.index - 1) return Take::no;
  if (sample_below_ > 0 && hash(db, key, sample_seed) >= sample_below_) return Take::not_sampled;
  return Take::yes;
}

std::vector<std::string> Scope::describe() const {
  std::vector<std::string> phrases;
  if (!dbs_.empty()) phrases.push_back(fmt::format("database {}", fmt::join(dbs_, ", ")));
  if (!options_.match.empty()) phrases.push_back("keys like " + printable(options_.match));
  if (kind_) phrases.push_back(fmt::format("type {}", options_.type));
  if (slots_) phrases.push_back("slots " + options_.slots);
  if (part_.count > 1) phrases.push_back(fmt::format("part {} of {}", part_.index, part_.count));
  if (sample_below_ > 0) phrases.push_back("a sample of " + options_.sample);
  if (!options_.keys.empty()) phrases.push_back("keys named in " + options_.keys);
  return phrases;
}

uint64_t differing_at_most(uint64_t population, uint64_t sampled, uint64_t different) {
  constexpr double chance = 0.05;
  if (sampled >= population) return different;
  if (different >= sampled) return population;
  double low = 0, high = 1;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (chance_of_at_most(different, static_cast<double>(sampled), middle) > chance ? low : high) =
        middle;
  }
  return std::min(population,
                  static_cast<uint64_t>(std::ceil(high * static_cast<double>(population))));
}

}  // namespace lockstep::verifier
