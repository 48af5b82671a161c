#pragma once

#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "cli/services.h"

namespace weir::cli {

/// The verbs, as the command line asks for them: each prints its product and says its errors.
ExitCode init_project(const InitCommand& command);
ExitCode validate(const CommandLine& line);
ExitCode print_schema(const SchemaCommand& command);
/// In this process, whoever owns the project.
ExitCode test_project(const TestCommand& command, const CommandLine& line);
ExitCode up(const UpCommand& command, Project project, const Wiring& wiring);
/// Also says what is wrong with a project that does not validate.
ExitCode doctor(const CommandLine& line, const Wiring& wiring);
ExitCode secret(const CommandLine& line, const SecretCommand& command, const Project& project);
ExitCode logs(const CommandLine& line, const LogsCommand& command, const Project& project,
              const Wiring& wiring);
ExitCode top(const CommandLine& line, const TopCommand& command, const Project& project,
             const Wiring& wiring);
/// run, runs, query and their like: they need an owner, or become it.
ExitCode ask_owner(const CommandLine& line, const Project& project, const Wiring& wiring);

/// All of weir: parses, loads the project, does the verb. Returns the process's exit code.
int run_command_line(int argc, const char* const* argv, const Wiring& wiring);

}  // namespace weir::cli
