#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <vector>

#include "sync/base/error.h"
#include "sync/rdb/object.h"
#include "verifier/compare.h"
#include "verifier/matcher.h"
#include "verifier/payload_digest.h"
#include "verifier/reply_reader.h"
#include "verifier/value_blocks.h"

namespace lockstep::verifier {

/// A payload that is whole, and not understood.
class Undecodable : public FormatError {
 public:
  using FormatError::FormatError;
};

/// A value of one side that is too big to be held, as far as it is.
struct BigValue {
  Reading reading;                ///< without a payload
  std::optional<rdb::Kind> kind;  ///< nullopt: absent
  ValueBlocks blocks{rdb::Kind::string};
  std::optional<PayloadDigest::Value> payload;  ///< of what did not come in pieces
};

/// In pieces, or by DUMP what does not come in pieces. Throws Undecodable, and what ask() throws.
asio::awaitable<BigValue> read_big_value(Side& side, Candidate key);

/// Some members, or one piece of a string, or one block of a list. REQUIRES: `value` came in
/// pieces.
asio::awaitable<rdb::Object> read_blocks(Side& side, const BigValue& value, Candidate key,
                                         std::vector<size_t> blocks);

/// The next reply is that of a DUMP: it is read to its end; nullopt: there is no such key. Throws
/// Undecodable, ConnectionError.
asio::awaitable<std::optional<PayloadDigest::Value>> read_payload(ReplyReader& reader,
                                                                  std::string label);

}  // namespace lockstep::verifier
