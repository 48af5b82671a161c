#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace weir::cli {

enum class OutputFormat { table, json, csv };
enum class Choice { no, yes };

struct InitCommand {
  std::filesystem::path directory = ".";
  std::optional<std::filesystem::path> sample;
};
struct ValidateCommand {};
struct RunCommand {
  std::string pipeline;
  std::vector<std::string> objects;  ///< "bucket/key"; empty: all pending ones
  Choice force = Choice::no;
  std::string from, to;  ///< a backfill: dates or times; empty: none
};
struct PlanCommand {
  std::string pipeline;
  std::vector<std::string> objects;  ///< "bucket/key"; empty: all pending ones
  Choice force = Choice::no;
  Choice write = Choice::yes;  ///< no: not even in a transaction that is rolled back
};
struct TestCommand {
  std::vector<std::string> names;  ///< tests, or parts of their names; empty: all
  size_t jobs = 0;                 ///< 0: as many as there are processors
  std::optional<std::filesystem::path> junit;
  Choice update = Choice::no;
};
struct UpCommand {
  int ready_descriptor = -1;  ///< gets one byte when everything stands
  std::optional<int> port;
  std::optional<int> s3_port;
  std::optional<int> admin_port;  ///< 0: any that is free
  Choice verbose = Choice::no;
};
struct RunsCommand {
  std::string run;  ///< empty: a listing
  std::string pipeline;
  std::string state;
  std::string object;
  std::string since;
  std::string until;
  int limit = 50;
  Choice next = Choice::no;  ///< the coming fires of the schedules instead
};
struct RetryCommand {
  std::string run;  ///< empty: every parked run, when `all`
  std::string pipeline;
  Choice all = Choice::no;
  Choice dismiss = Choice::no;
};
struct LogsCommand {
  std::string run;  ///< empty: the newest lines of all runs
  std::string level;
  int limit = 50;
  Choice follow = Choice::no;
};
struct TopCommand {
  Choice once = Choice::no;
};
struct RejectsCommand {
  std::string run;  ///< or the beginning of its id, or "last"; empty: all runs
  Choice all = Choice::no;
  Choice resolved = Choice::no;
  Choice dismiss = Choice::no;
};
struct ReplayCommand {
  std::string run;  ///< as for rejects; empty: every run, when `all`
  std::optional<std::filesystem::path> file;
  Choice all = Choice::no;
};
struct WhyCommand {
  std::string table;
  std::vector<std::string> key;  ///< values of the key columns in their order, or "column=value"
};
struct QueryCommand {
  std::string sql;  ///< "-": from standard input
  std::string database;
  Choice write = Choice::no;
};
struct DriftCommand {
  std::string table;  ///< empty: all of them
  Choice apply = Choice::no;
};
struct SchemaCommand {
  Choice reference = Choice::no;
};

enum class SecretAction { set, list, remove, rotate };
struct SecretCommand {
  SecretAction action = SecretAction::list;
  std::string name;
};

enum class KeyAction { create, list, revoke };
struct KeyCommand {
  KeyAction action = KeyAction::list;
  std::string name;                  ///< or, to revoke it, the id
  std::vector<std::string> tables;   ///< empty: all
  std::vector<std::string> queries;  ///< likewise
  std::vector<std::string> scopes;   ///< rows, queries, admin; empty: rows and queries
  std::string plan;
};

struct DoctorCommand {};

using Command = std::variant<InitCommand, ValidateCommand, RunCommand, PlanCommand, TestCommand,
                             UpCommand, RunsCommand, RetryCommand, LogsCommand, TopCommand,
                             RejectsCommand, ReplayCommand, WhyCommand, QueryCommand, DriftCommand,
                             SchemaCommand, SecretCommand, KeyCommand, DoctorCommand>;

struct CommandLine {
  std::filesystem::path project = ".";
  std::string environment;
  OutputFormat format = OutputFormat::table;
  Command command;
};

/// The command line asked for nothing but text: help, the version, or it is wrong.
struct TextOnly {
  int exit_code = 0;
  std::string out;    ///< for standard output
  std::string error;  ///< for standard error
};

std::variant<CommandLine, TextOnly> parse_command_line(int argc, const char* const* argv);

}  // namespace weir::cli
