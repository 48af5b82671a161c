#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "cli/doctor_rows.h"
#include "cli/messages.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "config/load_project.h"
#include "doctor/listener_checks.h"
#include "doctor/machine_checks.h"
#include "doctor/place_checks.h"

namespace weir::cli {
namespace {

using doctor::Finding;
using doctor::Findings;
using doctor::Verdict;

Findings project_findings(const config::LoadedProject& loaded) {
  Findings findings;
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    if (diagnostic.severity == config::Severity::note) continue;
    const bool error = diagnostic.severity == config::Severity::error;
    const std::string place = diagnostic.location.to_string();
    findings.push_back({"project", error ? Verdict::problem : Verdict::warning,
                        (place.empty() ? "" : place + ": ") + diagnostic.message, diagnostic.fix});
  }
  if (findings.empty()) {
    findings.push_back({"project",
                        Verdict::ok,
                        loaded.project.name + " is valid; `weir validate` also checks its SQL",
                        {}});
  }
  return findings;
}

bool has_problem(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.verdict == Verdict::problem; });
}

}  // namespace

ExitCode doctor(const CommandLine& line, const Wiring& wiring) {
  log::start(log::Level::error);
  const config::LoadedProject loaded =
      config::load_project({std::filesystem::absolute(line.project), line.environment}, nullptr);
  DescriptorOutput output(STDOUT_FILENO);
  Findings findings = project_findings(loaded);
  if (!loaded.ok()) {
    return make_doctor_presenter(line.format, output, std::move(findings))->finish({});
  }
  const Project& project = loaded.project;
  const auto machine = doctor::this_machine();
  const auto add = [&](Findings more) {
    std::move(more.begin(), more.end(), std::back_inserter(findings));
  };
  const Findings state = doctor::check_state_folder(project);
  add(state);
  if (!has_problem(state)) add(doctor::check_owner(project));
  add(doctor::check_disks(project, *machine));
  add(doctor::check_clock(project, *machine));
  add(doctor::check_buckets(project));
  add(doctor::check_watches(project, *machine));
  add(doctor::check_time_zones(project));
  if (!has_problem(state)) add(doctor::check_admin_address(project));
  const auto presenter = make_doctor_presenter(line.format, output, std::move(findings));
  if (has_problem(state)) return presenter->finish({});  // no owner can be asked, nor be one
  auto signals = StopSignals::block();
  if (!signals) return presenter->finish(fail(signals.error()));
  return perform(project, {WEIR_VERSION, "doctor", text::Json::object()}, *presenter, wiring,
                 *signals);
}

}  // namespace weir::cli
