#pragma once

#include <boost/asio/awaitable.hpp>

namespace lockstep::engine {

class Pipeline;

/// Gives every key of the target that has an expiry the source's own: in mode `replica` they were
/// written later by the grace. The target must be held and drained. A key that the source no longer
/// has is left to the DEL that the source sends for it.
boost::asio::awaitable<void> write_exact_expiries(Pipeline& pipeline);

}  // namespace lockstep::engine
