#include "cli/answer.h"
#include "cli/doctor_rows.h"
#include "doctor/database_checks.h"
#include "doctor/machine_checks.h"
#include "doctor/place_checks.h"

namespace weir::cli {

Result<void> answer_doctor(const text::Json&, Services& services, owner::FrameSink& sink) {
  const Project& project = services.project();
  const auto machine = doctor::this_machine();
  const auto send = [&](const doctor::Findings& findings) { return send_findings(findings, sink); };
  bool read = send(doctor::check_memory(project, *machine)) &&
              send(doctor::check_open_files(*machine)) &&
              send(doctor::check_secrets(project, {project.root, project.environment})) &&
              send(doctor::check_run_log([&] { return services.run_log(); }));
  if (!read) return {};
  std::vector<pipeline::Databases::Pointer> held;
  const auto open = [&](const DatabaseName& name) -> Result<duckdb::Database*> {
    held.push_back(WEIR_TRY(WEIR_TRY(services.resources())->databases->open(name)));
    return held.back().get();
  };
  send(doctor::check_databases(
      project, open, [&](const DatabaseName& name) -> Result<std::unique_ptr<server::Connection>> {
        return WEIR_TRY(services.resources())->databases->connect(name);
      }));
  return {};
}

}  // namespace weir::cli
