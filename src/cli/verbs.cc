#include "cli/verbs.h"

#include <unistd.h>

#include "base/log.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/presenter.h"
#include "cli/session.h"
#include "config/load_project.h"

namespace weir::cli {
namespace {

using text::Json;

/// A request and who presents its answer.
struct Question {
  owner::Request request;
  std::unique_ptr<Presenter> presenter;
};

struct Outputs {
  DescriptorOutput out{STDOUT_FILENO};
  DescriptorOutput error{STDERR_FILENO};
};

owner::Request request(std::string verb, Json args) {
  return {WEIR_VERSION, std::move(verb), std::move(args)};
}

Json names_json(const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const std::string& name : names) list.push(name);
  return list;
}

Question question(const RunCommand& command, OutputFormat format, Outputs& outputs) {
  Json args = Json::object();
  args.set("pipeline", command.pipeline).set("objects", names_json(command.objects));
  args.set("force", command.force == Choice::yes);
  if (!command.from.empty()) args.set("from", command.from).set("to", command.to);
  return {request("run", std::move(args)),
          make_receipts_presenter(format, outputs.out, outputs.error, Verdict::counts)};
}

Question question(const PlanCommand& command, OutputFormat format, Outputs& outputs) {
  Json args = Json::object();
  args.set("pipeline", command.pipeline).set("objects", names_json(command.objects));
  args.set("force", command.force == Choice::yes).set("write", command.write == Choice::yes);
  return {request("plan", std::move(args)),
          make_plan_presenter(format, outputs.out, outputs.error)};
}

Question question(const RunsCommand& command, OutputFormat format, Outputs& outputs) {
  Json args = Json::object();
  if (!command.run.empty()) {
    args.set("run", command.run);
    return {request("runs", std::move(args)),
            make_receipts_presenter(format, outputs.out, outputs.error, Verdict::shown)};
  }
  args.set("pipeline", command.pipeline)
      .set("state", command.state)
      .set("object", command.object)
      .set("since", command.since)
      .set("until", command.until)
      .set("limit", command.limit);
  if (command.next == Choice::yes) {
    args.set("next", true);
    return {request("runs", std::move(args)),
            make_rows_presenter(format, outputs.out, {.times = Times::to_the_second})};
  }
  return {request("runs", std::move(args)), make_rows_presenter(format, outputs.out,
                                                                {.whole_column = "id",
                                                                 .left_out = {"tries", "created"},
                                                                 .times = Times::to_the_second})};
}

Question question(const RetryCommand& command, OutputFormat format, Outputs& outputs) {
  Json args = Json::object();
  args.set("run", command.run).set("pipeline", command.pipeline);
  args.set("all", command.all == Choice::yes).set("dismiss", command.dismiss == Choice::yes);
  if (command.dismiss == Choice::yes) {
    return {request("retry", std::move(args)), make_rows_presenter(format, outputs.out, {})};
  }
  return {request("retry", std::move(args)),
          make_receipts_presenter(format, outputs.out, outputs.error, Verdict::counts)};
}

Question question(const RejectsCommand& command, OutputFormat format, Outputs& outputs) {
  Json args = Json::object();
  args.set("run", command.run).set("all", command.all == Choice::yes);
  args.set("resolved", command.resolved == Choice::yes);
  args.set("dismiss", command.dismiss == Choice::yes).set("write", command.dismiss == Choice::yes);
  const bool to_mend = !command.run.empty() && format != OutputFormat::table &&
                       command.all == Choice::no && command.resolved == Choice::no &&
                       command.dismiss == Choice::no;
  if (to_mend) {
    args.set("mend", format == OutputFormat::json ? "json" : "csv");
    return {request("rejects", std::move(args)), make_text_presenter(outputs.out)};
  }
  return {request("rejects", std::move(args)),
          make_rows_presenter(format, outputs.out,
                              {.whole_column = command.run.empty() ? "run" : "problem",
                               .left_out = {"element", "resolved_by"},
                               .times = Times::to_the_second})};
}

Question question(const ReplayCommand& command, OutputFormat format, Outputs& outputs) {
  Json args = Json::object();
  args.set("run", command.run).set("all", command.all == Choice::yes);
  if (command.file) {
    // The owner may have another working folder.
    args.set("with", std::filesystem::absolute(*command.file).string());
    args.set("name", command.file->string());
  }
  return {request("replay", std::move(args)),
          make_replay_presenter(format, outputs.out, outputs.error)};
}

Question question(const WhyCommand& command, OutputFormat format, Outputs& outputs) {
  Json key = Json::array();
  for (const std::string& value : command.key) key.push(value);
  Json args = Json::object();
  args.set("table", command.table).set("key", std::move(key));
  args.set("facts", format == OutputFormat::table);
  return {request("why", std::move(args)), make_rows_presenter(format, outputs.out, {})};
}

Question question(const QueryCommand& command, OutputFormat format, Outputs& outputs) {
  std::string sql = command.sql;
  if (sql == "-") {
    sql.clear();
    char chunk[16 * 1024];
    for (ssize_t got = 0; (got = ::read(STDIN_FILENO, chunk, sizeof chunk)) > 0;) {
      sql.append(chunk, static_cast<size_t>(got));
    }
  }
  Json args = Json::object();
  args.set("sql", sql).set("in", command.database).set("write", command.write == Choice::yes);
  return {request("query", std::move(args)),
          make_rows_presenter(format, outputs.out, {.null_text = "NULL"})};
}

Question question(const DriftCommand& command, OutputFormat format, Outputs& outputs) {
  Json args = Json::object();
  args.set("table", command.table).set("apply", command.apply == Choice::yes);
  return {request("drift", std::move(args)), make_drift_presenter(format, outputs.out)};
}

Question question(const KeyCommand& command, OutputFormat format, Outputs& outputs) {
  Json args = Json::object().set("name", command.name);
  switch (command.action) {
    case KeyAction::create:
      args.set("action", "create").set("json", format == OutputFormat::json);
      args.set("scopes", names_json(command.scopes)).set("tables", names_json(command.tables));
      args.set("queries", names_json(command.queries)).set("plan", command.plan);
      return {request("key", std::move(args)), make_text_presenter(outputs.out)};
    case KeyAction::revoke: args.set("action", "revoke"); break;
    case KeyAction::list: args.set("action", "list"); break;
  }
  return {request("key", std::move(args)),
          make_rows_presenter(format, outputs.out,
                              {.whole_column = "id", .times = Times::to_the_second})};
}

/// None, and said why, when the project is not valid.
std::optional<Project> load(const CommandLine& line) {
  config::LoadedProject loaded =
      config::load_project({std::filesystem::absolute(line.project), line.environment}, nullptr);
  if (loaded.ok()) return std::move(loaded.project);
  say(loaded.diagnostics);
  return std::nullopt;
}

ExitCode perform_verb(const CommandLine& line, const Wiring& wiring) {
  if (const auto* command = std::get_if<InitCommand>(&line.command)) return init_project(*command);
  if (std::holds_alternative<ValidateCommand>(line.command)) return validate(line);
  if (const auto* command = std::get_if<SchemaCommand>(&line.command)) {
    return print_schema(*command);
  }
  if (const auto* command = std::get_if<TestCommand>(&line.command)) {
    return test_project(*command, line);
  }
  if (std::holds_alternative<DoctorCommand>(line.command)) return doctor(line, wiring);
  auto project = load(line);
  if (!project) return ExitCode::usage;
  if (const auto* command = std::get_if<UpCommand>(&line.command)) {
    return up(*command, *std::move(project), wiring);
  }
  if (const auto* command = std::get_if<SecretCommand>(&line.command)) {
    return secret(line, *command, *project);
  }
  if (const auto* command = std::get_if<LogsCommand>(&line.command)) {
    return logs(line, *command, *project, wiring);
  }
  if (const auto* command = std::get_if<TopCommand>(&line.command)) {
    return top(line, *command, *project, wiring);
  }
  return ask_owner(line, *project, wiring);
}

}  // namespace

ExitCode ask_owner(const CommandLine& line, const Project& project, const Wiring& wiring) {
  log::start(log::Level::error);  // what runs have to say is in their receipts
  Outputs outputs;
  Question asked;
  std::visit(
      [&](const auto& command) {
        if constexpr (requires { question(command, line.format, outputs); }) {
          asked = question(command, line.format, outputs);
        }
      },
      line.command);
  auto signals = StopSignals::block();
  if (!signals) {
    say(signals.error());
    return ExitCode::failed;
  }
  return perform(project, asked.request, *asked.presenter, wiring, *signals);
}

ExitCode print_schema(const SchemaCommand& command) {
  DescriptorOutput out(STDOUT_FILENO);
  std::string text =
      command.reference == Choice::yes ? config::project_reference() : config::project_schema();
  if (!text.ends_with('\n')) text += '\n';
  out.write(text);
  return out.flush() ? ExitCode::done : ExitCode::failed;
}

int run_command_line(int argc, const char* const* argv, const Wiring& wiring) {
  const auto parsed = parse_command_line(argc, argv);
  if (const auto* text = std::get_if<TextOnly>(&parsed)) {
    DescriptorOutput(STDOUT_FILENO).write(text->out);
    DescriptorOutput(STDERR_FILENO).write(text->error);
    return text->exit_code;
  }
  return static_cast<int>(perform_verb(std::get<CommandLine>(parsed), wiring));
}

}  // namespace weir::cli
