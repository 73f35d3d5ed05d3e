#include "verifier/strays.h"

#include <fmt/format.h>

namespace lockstep::verifier {

namespace {

std::vector<std::string> labels(const Side& side) {
  std::vector<std::string> result;
  for (size_t i = 0; i < side.node_count(); ++i) result.push_back(side.node(i).endpoint.label());
  return result;
}

/// `holder`: the label of the node that has it.
Difference misplaced(const Side& side, const KeyEntry& stray, const std::string& holder) {
  Difference difference;
  difference.diff_class = DiffClass::misplaced;
  difference.db = stray.db;
  difference.key = stray.key;
  difference.detail =
      fmt::format("held by {} of the {}, where its slot belongs to {}", holder, side.title(),
                  side.node(side.holders(stray.key).front()).endpoint.label());
  return difference;
}

}  // namespace

asio::awaitable<void> report_strays(Side& source, Side& target, Matcher& matcher,
                                    DifferenceLog& log) {
  bool any = false;
  matcher.read_strays([&any](SideName, const KeyEntry&) { any = true; });
  if (!any) co_return;
  const std::vector<std::string> before[2] = {labels(source), labels(target)};
  co_await source.refresh();
  co_await target.refresh();
  matcher.read_strays([&](SideName name, const KeyEntry& stray) {
    const Side& side = name == SideName::source ? source : target;
    const std::string& holder = before[static_cast<size_t>(name)].at(stray.node);
    const auto now = side.find(holder);
    if (now && side.serves(*now, stray.key)) {
      matcher.add_unread(side, side.holders(stray.key).front(), stray.db, stray.key);
    } else {
      log.add(misplaced(side, stray, holder));
    }
  });
  matcher.forget_strays();
}

}  // namespace lockstep::verifier
