#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "scenarios/certify/certificate_text.h"
#include "verifier/report_junit.h"

namespace lockstep::scenarios::certify {

using verifier::xml_text;

namespace {

std::string findings_text(const Cell& cell) {
  std::string text;
  for (const Finding& each : cell.findings) {
    text += fmt::format("{} seed {} ({}): {}\n  repeat it: {}\n", each.family, each.seed,
                        each.verdict, each.reason, each.reproduction);
    if (!each.control.empty())
      text += fmt::format("  the servers' own replication: {}\n", each.control);
  }
  return text;
}

std::string losses_text(const Cell& cell) {
  std::string text;
  for (const Loss& loss : cell.losses)
    text += fmt::format("lost: {} ({} seen)\n", loss.what, loss.keys);
  return text;
}

std::string element(const char* name, const std::string& message, const std::string& text) {
  return fmt::format("      <{} message=\"{}\">{}</{}>\n", name, xml_text(message), xml_text(text),
                     name);
}

/// What stands inside a test; nothing: it passed.
std::string inside(const Cell& cell) {
  switch (cell.outcome) {
    case Outcome::certified:
      return "";
    case Outcome::certified_with_losses:
      return fmt::format("      <system-out>{}</system-out>\n", xml_text(losses_text(cell)));
    case Outcome::failed:
      return element("failure",
                     cell.reason.empty() && !cell.findings.empty() ? cell.findings.front().reason
                                                                   : cell.reason,
                     findings_text(cell));
    case Outcome::unsupported:
      return element("skipped", cell.reason, "");
    case Outcome::not_certified:
      break;
  }
  return element("error", "not certified: " + cell.reason, findings_text(cell));
}

std::string test_xml(const Cell& cell) {
  const std::string open = fmt::format(
      "    <testcase classname=\"certify.{}\" name=\"{}\" time=\"{:.3f}\"",
      topology_name(cell.topology), xml_text(cell.from + " to " + cell.to), cell.seconds);
  const std::string content = inside(cell);
  return content.empty() ? open + "/>\n" : open + ">\n" + content + "    </testcase>\n";
}

std::string property(const char* name, const std::string& value) {
  return fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, xml_text(value));
}

std::string properties(const Certificate& certificate) {
  std::string text = "    <properties>\n";
  text += property("lockstep", certificate.tool_version);
  text += property("command", certificate.command) + property("machine", certificate.machine);
  for (const Server& server : certificate.servers)
    text += property("server",
                     fmt::format("{}: {}, build {}", server.name, server.version, server.build_id));
  return text + "    </properties>\n";
}

size_t count(const std::vector<Cell>& cells, Outcome outcome) {
  return static_cast<size_t>(std::count_if(
      cells.begin(), cells.end(), [&](const Cell& cell) { return cell.outcome == outcome; }));
}

std::string suite_xml(const Certificate& certificate, Topology topology) {
  std::vector<Cell> cells = all_cells(certificate);
  std::erase_if(cells, [&](const Cell& cell) { return cell.topology != topology; });
  double seconds = 0;
  for (const Cell& cell : cells) seconds += cell.seconds;
  std::string text = fmt::format(
      "  <testsuite name=\"lockstep certify {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
      "skipped=\"{}\" time=\"{:.3f}\">\n",
      topology_name(topology), cells.size(), count(cells, Outcome::failed),
      count(cells, Outcome::not_certified), count(cells, Outcome::unsupported), seconds);
  text += properties(certificate);
  for (const Cell& cell : cells) text += test_xml(cell);
  return text + "  </testsuite>\n";
}

}  // namespace

std::string certificate_junit(const Certificate& certificate) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const Topology topology : certificate.request.topologies)
    text += suite_xml(certificate, topology);
  return text + "</testsuites>\n";
}

}  // namespace lockstep::scenarios::certify
