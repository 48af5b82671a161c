#include "doctor/database_checks.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "duckdb/connection.h"

namespace weir::doctor {
namespace {

Finding failed(const std::string& check, const Error& error, std::string otherwise) {
  return {check, Verdict::problem, error.message,
          error.fix.empty() ? std::move(otherwise) : error.fix};
}

/// Does what a load does and takes it back.
Result<void> try_to_write(duckdb::Connection& connection) {
  WEIR_TRY(connection.run("BEGIN"));
  auto made = connection.run("CREATE TABLE weir_doctor_probe (probe INTEGER)");
  const auto undone = connection.run("ROLLBACK");
  if (!made) return fail(std::move(made).error());
  if (!undone) return fail(undone.error());
  return {};
}

Result<std::string> look_into(duckdb::Database& database) {
  const auto connection = WEIR_TRY(database.connect());
  const auto version = WEIR_TRY(connection->run("SELECT version()"));
  WEIR_TRY(try_to_write(*connection));
  const auto loads = WEIR_TRY(connection->run("SELECT count(*) FROM weir_loads"));
  return fmt::format("DuckDB {}, writable, {} loads in its ledger", version.text(0, 0),
                     loads.int64(0, 0));
}

Finding database_finding(const DatabaseConfig& config, const OpenDatabase& open) {
  const std::string check = "database " + config.name.value();
  std::error_code ignored;
  const bool in_memory = config.path.empty();
  if (!in_memory && !std::filesystem::exists(config.path, ignored)) {
    return {
        check, Verdict::ok, config.path.string() + " is not there yet; its first use makes it", {}};
  }
  auto database = open(config.name);
  if (!database) {
    return failed(check, database.error(), "see that the file is DuckDB's, and ours to write");
  }
  auto found = look_into(**database);
  if (!found) return failed(check, found.error(), "see the disk it lies on");
  return {check, Verdict::ok, *std::move(found), {}};
}

}  // namespace

Findings check_databases(const Project& project, const OpenDatabase& open,
                         const ConnectServer& connect) {
  Findings findings;
  for (const DatabaseConfig& config : project.databases) {
    if (config.engine == Engine::duckdb) {
      findings.push_back(database_finding(config, open));
    } else {
      std::ranges::move(check_server(project, config, connect), std::back_inserter(findings));
    }
  }
  return findings;
}

Findings check_run_log(const OpenRunLog& open) {
  auto log = open();
  if (!log) {
    return {failed("run log", log.error(),
                   "it can be moved away: ledgers and buckets say what is still to be done")};
  }
  const auto queued = (*log)->count(RunState::queued);
  const auto parked = (*log)->count(RunState::parked);
  if (!queued) return {failed("run log", queued.error(), "see the disk it lies on")};
  if (!parked) return {failed("run log", parked.error(), "see the disk it lies on")};
  Findings findings = {{"run log", Verdict::ok, fmt::format("{} runs are queued", *queued), {}}};
  if (*parked > 0) {
    findings.push_back(
        {"run log", Verdict::warning, fmt::format("{} runs failed and wait for a person", *parked),
         "`weir runs --state parked` lists them; mend the cause and run them again"});
  }
  return findings;
}

}  // namespace weir::doctor
