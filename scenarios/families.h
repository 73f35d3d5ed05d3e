#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::scenarios {

/// What a form needs, or does, beyond its words.
enum FormFlag : uint8_t {
  plain = 0,
  blocks = 1,         ///< may wait: runs on a connection of its own
  all_nodes = 2,      ///< goes to every primary of the source
  field_expiry = 4,   ///< Redis 7.4 or Valkey 9
  databases = 8,      ///< needs numbered databases: not in a cluster
  effects_only = 16,  ///< has no meaning where scripts replicate verbatim (before Redis 3.2)
};

/// One command form: words as redis-cli reads them, with $placeholders. Commands of one step are
/// separated by a word ";". A word "~300" waits so many milliseconds.
///
///   $str $int $hash $set $zset $stream $hll $bits $geo $seq $list   a key, mostly of that type
///   $k any key      $0 the step's first key again      $v value   $big a long value
///   $n small integer   $d delta   $f float   $score   $m member or field   $e unique element
///   $ms $sec time to live that ends during the run      $long milliseconds that outlive it
///   $future $futurems $past $pastms  absolute   $idx index   $bit offset   $lon $lat
///   $sid new stream id   $oldsid id given before   $g group   $c consumer   $lex range end
///   $g1 $c1 $e1 $sid1   the same in the whole step
///   $lua:NAME and $sha:NAME   a script of scripts.h and its SHA1
///   [ … ]  repeated one to three times
struct Form {
  std::string_view words;
  uint16_t since = 206;  ///< server version that knows it: 6.2 is 602
  uint8_t flags = plain;
  uint8_t weight = 4;
  /// What a server must be able to do (fixtures::Capabilities::can) to know the form, in place of
  /// `since`: of commands that one product has and another one has not, or later.
  std::string_view needs = {};
};

struct Family {
  std::string_view name;
  std::span<const Form> forms;
};

std::span<const Family> families();
/// Names for a scenario file: each family and `everything`.
const std::vector<std::string>& family_names();
bool is_family(const std::string& name);
/// The forms of a family; `everything` has those of all but flush.
std::vector<Form> forms_of(const std::string& family);
/// Each command whose success shows that the family ran: what it is there for, where it has more
/// (EXEC of transactions), else all that its forms write with.
std::vector<std::string> commands_of(const std::string& family);

}  // namespace lockstep::scenarios
