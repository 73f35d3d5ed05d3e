#include "verifier/report_junit.h"

#include <fmt/format.h>

#include <algorithm>

#include "verifier/report_json.h"
#include "verifier/report_text.h"

namespace lockstep::verifier {

namespace {

/// One test case; an element within it, "failure" or "error", where there is something to tell.
struct Case {
  std::string name;
  const char* kind = nullptr;
  std::string message;
  std::string text;
};

std::string lines_of(const std::vector<Difference>& differences,
                     std::optional<DiffClass> diff_class) {
  std::string text;
  for (const Difference& each : differences) {
    if (!diff_class || each.diff_class == *diff_class) text += difference_text(each);
  }
  return text;
}

Case class_case(const VerifyReport& report, DiffClass diff_class) {
  const uint64_t count = report.counts[static_cast<size_t>(diff_class)];
  const char* name = diff_class_name(diff_class);
  if (count == 0) return {name, nullptr, "", ""};
  return {name, "failure", fmt::format("{} {}", format_count(count), name),
          lines_of(report.differences, diff_class)};
}

Case unverifiable_case(const VerifyReport& report) {
  if (report.unverifiable_count == 0) return {"unverifiable", nullptr, "", ""};
  std::string text;
  for (const Unverifiable& each : report.unverifiable) text += unverifiable_text(each);
  return {"unverifiable", "error",
          format_count(report.unverifiable_count) + " keys could not be compared", text};
}

Case flapping_case(const VerifyReport& report) {
  if (report.flapping == 0) return {"flapping", nullptr, "", ""};
  return {"flapping", "error", format_count(report.flapping) + " keys changed and never agreed",
          lines_of(report.flapping_keys, std::nullopt)};
}

Case verdict_case(const VerifyReport& report) {
  const std::string summary = fmt::format("{} by {}, cut {}: {}", verdict_name(report.verdict),
                                          report.method, report.cut, report.problem);
  switch (report.verdict) {
    case Verdict::equal:
      return {"verdict", nullptr, "", ""};
    case Verdict::different:
      return {"verdict", "failure", summary, ""};
    case Verdict::unknown:
      break;
  }
  return {"verdict", "error", summary, ""};
}

std::vector<Case> cases_of(const VerifyReport& report) {
  std::vector<Case> cases{verdict_case(report)};
  for (size_t i = 0; i < diff_class_count; ++i)
    cases.push_back(class_case(report, static_cast<DiffClass>(i)));
  cases.push_back(unverifiable_case(report));
  cases.push_back(flapping_case(report));
  return cases;
}

std::string case_xml(const Case& each, const std::string& suite) {
  std::string out = fmt::format("    <testcase classname=\"{}\" name=\"{}\"", suite, each.name);
  if (each.kind == nullptr) return out + "/>\n";
  return out + fmt::format(">\n      <{} message=\"{}\">{}</{}>\n    </testcase>\n", each.kind,
                           xml_text(each.message), xml_text(each.text), each.kind);
}

std::string property(const char* name, const std::string& value) {
  return fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, xml_text(value));
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string properties(const VerifyReport& report) {
  std::string out = "    <properties>\n";
  out += property("from", joined(report.source.urls)) + property("to", joined(report.target.urls));
  out += property("method", report.method) + property("cut", report.cut);
  out += property("compared", std::to_string(report.compared));
  for (const std::string& what : not_compared(report)) out += property("not compared", what);
  for (const std::string& note : report.notes) out += property("note", note);
  return out + "    </properties>\n";
}

size_t count_kind(const std::vector<Case>& cases, Bytes kind) {
  return static_cast<size_t>(std::count_if(cases.begin(), cases.end(), [&](const Case& each) {
    return each.kind != nullptr && each.kind == kind;
  }));
}

/// Bytes of the UTF-8 character of two or three bytes that `text` begins with; 0: none that XML may
/// hold, or a longer one, which our own messages have not.
size_t utf8_bytes(Bytes text) {
  const auto byte = [&](size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
  };
  const auto follows = [&](size_t at) { return byte(at) >> 6 == 2; };
  if (byte(0) >= 0xc2 && byte(0) <= 0xdf && follows(1)) return 2;
  if (byte(0) >= 0xe1 && byte(0) <= 0xec && follows(1) && follows(2)) return 3;
  return 0;
}

}  // namespace

std::string xml_text(Bytes text) {
  std::string out;
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text[0]);
    const size_t wide = utf8_bytes(text);
    if (wide > 0) {
      out += text.substr(0, wide);
    } else if (Bytes("&<>\"\n").find(text[0]) != Bytes::npos) {
      out += fmt::format("&#{};", byte);
    } else if (byte < ' ' || byte > 126) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += text[0];
    }
    text.remove_prefix(std::max<size_t>(1, wide));
  }
  return out;
}

std::string report_junit(const VerifyReport& report) {
  const std::string suite = "lockstep verify";
  const std::vector<Case> cases = cases_of(report);
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" "
      "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" time=\"{:.3f}\">\n",
      suite, cases.size(), count_kind(cases, "failure"), count_kind(cases, "error"),
      static_cast<double>(report.duration.count()) / 1000);
  out += properties(report);
  for (const Case& each : cases) out += case_xml(each, suite);
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace lockstep::verifier
