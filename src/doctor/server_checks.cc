#include "doctor/server_checks.h"

#include <fmt/format.h>

#include "doctor/mysql_checks.h"
#include "doctor/postgres_checks.h"
#include "server/url.h"

namespace weir::doctor {
namespace {

Finding unreachable(const std::string& check, const Error& error) {
  return {check, Verdict::problem, error.message,
          error.fix.empty() ? "see that the server runs, and what its log says" : error.fix};
}

}  // namespace

Findings check_server(const Project& project, const DatabaseConfig& config,
                      const ConnectServer& connect) {
  const std::string check = "database " + config.name.value();
  auto connection = connect(config.name);
  if (!connection) return {unreachable(check, connection.error())};
  const auto options = server::parse_url(config.url);
  if (!options) return {unreachable(check, options.error())};
  const bool mysql = config.engine == Engine::mysql;
  auto findings = mysql ? look_at_mysql(project, config, *options, **connection)
                        : look_at_postgres(project, config, *options, **connection);
  if (!findings) return {unreachable(check, findings.error())};
  for (Finding& finding : *findings) finding.check = check;
  return *std::move(findings);
}

}  // namespace weir::doctor
