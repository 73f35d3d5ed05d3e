#include "scenarios/certify/newer_commands.h"

#include <algorithm>

#include "scenarios/families.h"

namespace lockstep::scenarios::certify {

namespace {

/// A form of which the stream holds something that servers know only with an ability.
struct NewerCommand {
  const char* form;     ///< how the form begins, or one of its commands does
  const char* ability;  ///< of fixtures::Capabilities, which source and target have or have not
  Substitute substitute;
  const char* needs = nullptr;  ///< what the target must have, or it holds no such value at all
};

/// Only what every such server replicates as its clients wrote it, but for times, which become
/// absolute, and reads of groups, which become claims: servers whose groups have no counters answer
/// those otherwise. SPOP, GETEX, GETDEL, DELIFEQ, LMPOP, GEOADD and the like reach the stream as
/// commands that are older than they are, HGETDEL in some servers.
constexpr NewerCommand newer_commands[] = {
    {"RESTORE $str", "restore-replace", Substitute::command},
    {"UNLINK $k", "unlink", Substitute::command},
    {"HSET $hash [", "hset-several", Substitute::command},
    {"ZADD $zset NX", "zadd-conditions", Substitute::command},
    {"ZADD $zset GT", "zadd-comparisons", Substitute::command},
    {"ZPOPMIN $zset", "zpop", Substitute::command},
    {"LPOP $list 2", "pop-count", Substitute::command},
    {"LMOVE $list $list RIGHT LEFT", "lmove", Substitute::command},
    {"EXPIRE $0 100 NX", "expire-conditions", Substitute::command},
    {"XREADGROUP GROUP $g1", "group-counters", Substitute::command, "streams"},
    {"SET $0 $v IFEQ", "set-ifeq", Substitute::command},
    {"MSETEX 2 $str $v $str $v PX", "msetex", Substitute::command},
    {"HSETEX $hash PX", "hsetex", Substitute::command, "field-expiry"},
    {"HSETEX $hash FIELDS", "hsetex", Substitute::command},
    {"SET $str $v KEEPTTL", "set-keepttl", Substitute::reading},
    {"BITFIELD $bits SET", "bitfield", Substitute::reading},
    {"COPY $k $k", "copy", Substitute::reading},
    {"HSET $hash $m $v $m $v ; HPEXPIRE", "field-expiry", Substitute::reading},
};

bool is_newer(const NewerCommand& command, const GoalPair& pair) {
  return pair.from.has(command.ability) && !pair.to.has(command.ability) &&
         (command.needs == nullptr || pair.to.has(command.needs));
}

bool has_form(const std::string& family, const NewerCommand& command) {
  const std::string_view begin = command.form;
  const std::vector<Form> forms = forms_of(family);
  return std::any_of(forms.begin(), forms.end(), [&](const Form& form) {
    const size_t at = form.words.find(begin);
    return at == 0 || (at != std::string_view::npos && form.words.substr(0, at).ends_with("; "));
  });
}

}  // namespace

std::vector<std::string> families_of_newer_commands(const GoalPair& pair, Substitute substitute) {
  std::vector<std::string> found;
  for (const std::string& family : pair.families) {
    const bool has = std::any_of(std::begin(newer_commands), std::end(newer_commands),
                                 [&](const NewerCommand& command) {
                                   return command.substitute == substitute &&
                                          is_newer(command, pair) && has_form(family, command);
                                 });
    if (has) found.push_back(family);
  }
  return found;
}

}  // namespace lockstep::scenarios::certify
