#pragma once

#include <boost/asio/awaitable.hpp>

#include "verifier/difference_log.h"
#include "verifier/matcher.h"

namespace lockstep::verifier {

/// Tells of keys at nodes that do not serve them. Where a slot that has moved meanwhile explains
/// it, the key is to be read again as any other. To be called before candidates are taken.
asio::awaitable<void> report_strays(Side& source, Side& target, Matcher& matcher,
                                    DifferenceLog& log);

}  // namespace lockstep::verifier
