#include "scenarios/certify/cell_scenario.h"

#include <gtest/gtest.h>

#include "fixtures/catalogue.h"
#include "scenarios/families.h"

namespace lockstep::scenarios::certify {
namespace {

/// The name of the catalogue that is longest.
std::string longest_name() {
  std::string longest;
  for (const fixtures::ServerSpec& spec : fixtures::catalogue())
    if (spec.name.size() > longest.size()) longest = spec.name;
  return longest;
}

void expect_back(const Scenario& scenario) {
  const std::string text = to_yaml(scenario);
  EXPECT_EQ(to_yaml(parse_scenario(text, scenario.name)), text);
}

/// A case that did not pass is repeated by the file that it leaves.
TEST(CellScenario, CanBeReadBack) {
  const std::string newest = fixtures::find_server("newest").name, longest = longest_name();
  for (const std::string& from : {newest, longest}) {
    for (const std::string& family : family_names()) {
      Cell cell;
      cell.from = from;
      cell.to = longest;
      expect_back(make_scenario(cell, family));
      expect_back(make_control(cell, family));
      cell.topology = Topology::cluster;
      expect_back(make_scenario(cell, family));
    }
  }
}

}  // namespace
}  // namespace lockstep::scenarios::certify
