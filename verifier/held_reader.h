#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <vector>

#include "verifier/compare.h"
#include "verifier/engine_control.h"
#include "verifier/matcher.h"

namespace lockstep::verifier {

/// A key as both sides had it at one position of the source.
struct HeldPair {
  enum class State : uint8_t {
    not_read,  ///< the hold was half over before its turn came
    ahead,     ///< the engine has brought it further than the position
    read,
  };
  State state = State::not_read;
  Reading source;
  Reading target;
};

/// The name of the server's replication history and where it stands.
struct StreamPosition {
  std::string replid;
  Offset offset;
  bool replica = false;  ///< it follows another server
};
asio::awaitable<StreamPosition> stream_position(Node& node);
/// `info`: the text of INFO replication.
StreamPosition position_of(const Node& node, Bytes info);

/// The engine, which is held, has been brought to where the source was a moment ago.
struct CaughtUp {
  std::vector<StreamPosition> positions;  ///< by node of the source
  EngineStatus status;
};
/// So that as little as possible lies between here and a key's position: what the engine reads
/// again for its own sake on the way there is ahead of it.
asio::awaitable<CaughtUp> catch_up(Side& source, EngineControl& engine);

/// Reads keys of both sides while the engine is held: each key of the source with the offset at
/// which it was so, then the engine is advanced to exactly there, then the target's is read.
class HeldReader {
 public:
  /// Called while the engine is held at the position of these keys (places in what was asked for).
  using OnStep = std::function<asio::awaitable<void>(std::vector<size_t> places,
                                                     std::vector<HeldPair>& pairs)>;

  HeldReader(Side& source, Side& target, EngineControl& engine)
      : source_(source), target_(target), engine_(engine) {}

  /// In one hold. Throws CutFailed if the hold could not be made or has ended before the last key
  /// was read (what `on_step` did meanwhile is void then), SlotOnTheMove, ConnectionError, and
  /// UserError for a missing permission.
  asio::awaitable<std::vector<HeldPair>> read(std::vector<Candidate> keys, OnStep on_step);
  asio::awaitable<std::vector<HeldPair>> read(std::vector<Candidate> keys) {
    return read(std::move(keys), nullptr);
  }

 private:
  using Positions = std::map<size_t, Offset>;  ///< by node of the source
  struct Step {
    Positions positions;
    std::vector<size_t> places;
  };

  asio::awaitable<void> read_held(std::vector<Candidate> keys, OnStep on_step,
                                  std::vector<HeldPair>& pairs);
  asio::awaitable<std::vector<Positions>> read_sources(std::vector<Candidate> keys,
                                                       std::vector<HeldPair>& pairs);
  static std::vector<Step> steps(const std::vector<Candidate>& keys,
                                 const std::vector<Positions>& offsets);
  asio::awaitable<void> take_step(const std::vector<Candidate>& keys, Step step, OnStep on_step,
                                  std::vector<HeldPair>& pairs);
  std::map<std::string, Offset> by_replid(const Positions& positions) const;

  Side& source_;
  Side& target_;
  EngineControl& engine_;
  std::vector<StreamPosition> begun_at_;  ///< the source's nodes
};

}  // namespace lockstep::verifier
