#include <charconv>

#include "sync/cluster/topology.h"

namespace lockstep::cluster {

std::optional<Redirect> parse_redirect(Bytes error) {
  Redirect redirect;
  redirect.ask = error.starts_with("ASK ");
  if (!redirect.ask && !error.starts_with("MOVED ")) return std::nullopt;
  error.remove_prefix(error.find(' ') + 1);
  const char* end = error.data() + error.size();
  const auto slot = std::from_chars(error.data(), end, redirect.slot.value);
  if (slot.ec != std::errc() || slot.ptr == end || *slot.ptr != ' ' ||
      redirect.slot.value >= slot_count)
    return std::nullopt;
  const Bytes address(slot.ptr + 1, static_cast<size_t>(end - slot.ptr - 1));
  const size_t colon = address.rfind(':');
  if (colon == Bytes::npos) return std::nullopt;
  const auto port = std::from_chars(address.data() + colon + 1, end, redirect.port);
  if (port.ec != std::errc() || port.ptr != end) return std::nullopt;
  redirect.host = address.substr(0, colon);
  return redirect;
}

}  // namespace lockstep::cluster
