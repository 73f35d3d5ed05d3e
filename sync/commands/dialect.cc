#include "sync/commands/dialect.h"

#include <algorithm>

namespace lockstep::commands {
namespace {

/// "xgroup|create" in the table's words.
std::string table_name(Bytes name) {
  std::string result(name);
  std::ranges::replace(result, '|', ' ');
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

const Spec* find_row(Bytes name) {
  const size_t space = name.find(' ');
  const Bytes words[] = {name.substr(0, space),
                         space == Bytes::npos ? Bytes() : name.substr(space + 1)};
  return find(std::span(words, space == Bytes::npos ? 1 : 2));
}

Bytes container_of(const Spec& spec) { return spec.name.substr(0, spec.name.find(' ')); }

}  // namespace

Dialect::Dialect() : arity_(commands::all().size(), 0) {}

Dialect Dialect::newest() {
  Dialect dialect;
  for (const Spec& spec : commands::all()) dialect.arity_[row(spec)] = spec.arity;
  dialect.options_.set();
  return dialect;
}

Dialect Dialect::common(const Dialect& a, const Dialect& b) {
  Dialect dialect;
  for (size_t row = 0; row < dialect.arity_.size(); ++row) {
    // A fixed arity is positive, and takes less than any other. Of two that are not, the smaller
    // number asks for more arguments.
    const int8_t one = a.arity_[row], other = b.arity_[row];
    const bool open = one < 0 && other < 0;
    dialect.arity_[row] = one == 0 || other == 0 ? int8_t{0}
                          : open                 ? std::min(one, other)
                                                 : std::max(one, other);
  }
  dialect.options_ = a.options_ & b.options_;
  return dialect;
}

void Dialect::learn(Bytes name, int arity) {
  const Spec* spec = find_row(table_name(name));
  // 0 would mean that it is not known; modules say so of commands that take anything.
  if (spec) arity_[row(*spec)] = static_cast<int8_t>(arity == 0 ? -1 : arity);
}

void Dialect::end_of_list() {
  const auto listed = [&](Bytes container) {
    return std::ranges::any_of(commands::all(), [&](const Spec& spec) {
      return spec.is_subcommand && container_of(spec) == container && knows(spec);
    });
  };
  for (const Spec& spec : commands::all()) {
    if (!spec.is_container || !knows(spec) || listed(spec.name)) continue;
    for (const Spec& part : commands::all()) {
      if (part.is_subcommand && container_of(part) == spec.name) arity_[row(part)] = part.arity;
    }
  }
}

bool Dialect::knows(Bytes name) const {
  const Spec* spec = find_row(name);
  return spec && knows(*spec);
}

bool Dialect::takes(const Spec& spec, size_t count) const {
  const int arity = arity_[row(spec)];
  if (arity == 0) return false;
  return arity < 0 ? count >= static_cast<size_t>(-arity) : count == static_cast<size_t>(arity);
}

void Requests::clear() {
  requests_.clear();
  texts_.clear();
}

}  // namespace lockstep::commands
