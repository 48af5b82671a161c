#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <array>
#include <sstream>

#include "base/edit_distance.h"

namespace weir::cli {
namespace {

constexpr const char* about =
    "Turns files into trustworthy tables: land, check, load, aggregate.\n"
    "A project is a folder with a weir.yaml; begin with `weir init`.";

constexpr const char* exit_codes =
    "Exit codes:\n"
    "  0  all rows are where they should be\n"
    "  1  failed\n"
    "  2  wrong usage, or the project file is invalid\n"
    "  3  loaded, but some rows were rejected";

constexpr std::array<std::string_view, 19> verbs = {
    "init",   "validate", "run",   "plan",  "test",   "up",     "runs",   "logs",  "top", "rejects",
    "replay", "why",      "query", "drift", "schema", "secret", "doctor", "retry", "key"};

/// CLI11 wants flags as bools; they become Choices once it is done.
struct Flags {
  bool all_rejects = false, resolved = false, dismiss = false, all_replays = false;
  bool all_parked = false, dismiss_parked = false;
  bool force = false, update = false, verbose = false, write = false, reference = false,
       apply = false, no_write = false, next = false, follow = false, once = false;
};

class Definition {
 public:
  Definition() : app_(about, "weir") {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.set_version_flag("--version", "weir " WEIR_VERSION);
    app_.footer(exit_codes);
    app_.add_option("--project", line_.project, "the project's folder")
        ->type_name("DIR")
        ->default_str(".");
    app_.add_option("--env", line_.environment, "overlay weir.yaml with weir.ENV.yaml")
        ->type_name("ENV");
    app_.add_option("--format", line_.format, "how listings and receipts are printed")
        ->transform(CLI::CheckedTransformer(formats()).description(""))
        ->type_name("table|json|csv");
    define_init();
    define_validate();
    define_run();
    define_plan();
    define_test();
    define_up();
    define_runs();
    define_retry();
    define_logs();
    define_top();
    define_rejects();
    define_replay();
    define_why();
    define_query();
    define_drift();
    define_schema();
    define_secret();
    define_key();
    define_doctor();
  }

  std::variant<CommandLine, TextOnly> parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
      return text_only(problem, argc, argv);
    }
    run_.force = plan_.force = chosen(flags_.force);
    plan_.write = chosen(!flags_.no_write);
    test_.update = chosen(flags_.update);
    up_.verbose = chosen(flags_.verbose);
    logs_.follow = chosen(flags_.follow);
    top_.once = chosen(flags_.once);
    rejects_.all = chosen(flags_.all_rejects);
    rejects_.resolved = chosen(flags_.resolved);
    rejects_.dismiss = chosen(flags_.dismiss);
    replay_.all = chosen(flags_.all_replays);
    retry_.all = chosen(flags_.all_parked);
    retry_.dismiss = chosen(flags_.dismiss_parked);
    query_.write = chosen(flags_.write);
    drift_.apply = chosen(flags_.apply);
    runs_.next = chosen(flags_.next);
    schema_.reference = chosen(flags_.reference);
    const std::string verb = app_.get_subcommands().front()->get_name();
    if (verb == "init") line_.command = init_;
    if (verb == "validate") line_.command = ValidateCommand{};
    if (verb == "run") line_.command = run_;
    if (verb == "plan") line_.command = plan_;
    if (verb == "test") line_.command = test_;
    if (verb == "up") line_.command = up_;
    if (verb == "runs") line_.command = runs_;
    if (verb == "retry") line_.command = retry_;
    if (verb == "logs") line_.command = logs_;
    if (verb == "top") line_.command = top_;
    if (verb == "rejects") line_.command = rejects_;
    if (verb == "replay") line_.command = replay_;
    if (verb == "why") line_.command = why_;
    if (verb == "query") line_.command = query_;
    if (verb == "drift") line_.command = drift_;
    if (verb == "schema") line_.command = schema_;
    if (verb == "doctor") line_.command = DoctorCommand{};
    if (verb == "key") line_.command = key_;
    if (verb == "secret") {
      if (!not_expected_.empty()) return value_on_command_line();
      line_.command = secret_;
    }
    return line_;
  }

 private:
  static std::map<std::string, OutputFormat> formats() {
    return {
        {"table", OutputFormat::table}, {"json", OutputFormat::json}, {"csv", OutputFormat::csv}};
  }
  static Choice chosen(bool flag) { return flag ? Choice::yes : Choice::no; }

  CLI::App& verb(const std::string& name, const std::string& description,
                 const std::string& examples) {
    CLI::App* made = app_.add_subcommand(name, description);
    made->footer(
        "Also --project DIR, --env ENV and --format table|json|csv: see `weir --help`.\n\n"
        "Examples:\n" +
        examples);
    return *made;
  }

  void define_init() {
    auto& init = verb("init", "write a commented project that runs as it is",
                      "  weir init\n"
                      "  weir init analytics --from sessions.json");
    init.add_option("directory", init_.directory, "where; made when missing")
        ->type_name("DIR")
        ->default_str(".");
    init.add_option("--from", init_.sample, "look at this file once, and write its columns down")
        ->type_name("SAMPLE.csv|json");
  }
  void define_validate() {
    verb("validate", "report every problem of the project file in one go",
         "  weir validate\n"
         "  weir validate --project analytics --env prod --format json");
  }
  void define_run() {
    auto& run = verb("run", "run a pipeline now and print its receipts",
                     "  weir run load-sessions\n"
                     "  weir run load-sessions --object landing/2017-07-01.json --force\n"
                     "  weir run daily-totals --from 2026-11-01 --to 2026-11-30");
    run.add_option("pipeline", run_.pipeline, "the pipeline's name")->required()->type_name("NAME");
    run.add_option("--object", run_.objects,
                   "an input; may be given again. Without it: all objects not loaded yet")
        ->allow_extra_args(false)
        ->type_name("BUCKET/KEY");
    run.add_flag("--force", flags_.force, "load also what is already in, as a new attempt");
    auto* from = run.add_option("--from", run_.from,
                                "a backfill: once for each time its schedules fire from this day "
                                "(${run.day}) or time on …")
                     ->type_name("DATE|TIME");
    auto* to = run.add_option("--to", run_.to, "… up to this one")->type_name("DATE|TIME");
    from->needs(to)->excludes("--object", "--force");
    to->needs(from);
  }
  void define_plan() {
    auto& plan = verb("plan", "say what a run would do: it is done, counted and rolled back",
                      "  weir plan load-sessions\n"
                      "  weir plan load-sessions --object landing/2017-07-01.json --no-write\n\n"
                      "Exit code 3 when rows would be rejected, 1 when an input would fail.");
    plan.add_option("pipeline", plan_.pipeline, "the pipeline's name")
        ->required()
        ->type_name("NAME");
    plan.add_option("--object", plan_.objects,
                    "an input; may be given again. Without it: all objects not loaded yet")
        ->allow_extra_args(false)
        ->type_name("BUCKET/KEY");
    plan.add_flag("--force", flags_.force, "plan also what is already in, as a new attempt");
    plan.add_flag("--no-write", flags_.no_write,
                  "write nothing to the database, not even to roll it back");
  }
  void define_test() {
    auto& test = verb("test", "run the project's tests, each on databases and buckets of its own",
                      "  weir test\n"
                      "  weir test 'dirty history' --jobs 4 --junit report.xml\n"
                      "  weir test --update\n\n"
                      "Exit code 0 when all passed, 1 when not, 2 when the project is invalid or "
                      "there is no such test.");
    test.add_option("name", test_.names, "only tests of this name, or with it in their name")
        ->type_name("NAME");
    test.add_option("--jobs", test_.jobs, "so many at a time")
        ->check(CLI::Range(1, 1000).description(""))
        ->type_name("N");
    test.add_flag("--update", flags_.update,
                  "write what came out into the project file, in place of what was expected");
    test.add_option("--junit", test_.junit, "also write a report that CI servers read")
        ->type_name("FILE");
  }
  void define_up() {
    auto& up = verb("up", "watch the buckets and run what their objects trigger, until stopped",
                    "  weir up\n"
                    "  weir up --project analytics --env prod --verbose");
    up.add_option("--port", up_.port,
                  "answer the HTTP API there, on this machine alone unless weir.yaml says "
                  "otherwise; 0: any free port, which the log tells")
        ->check(CLI::Range(0, 65535).description(""))
        ->type_name("N");
    up.add_option("--s3-port", up_.s3_port, "the S3 port (not yet)")->type_name("N");
    up.add_option("--admin-port", up_.admin_port,
                  "answer /metrics, /healthz and /readyz there, on this machine alone unless "
                  "weir.yaml says otherwise; 0: any free port, which the log tells")
        ->check(CLI::Range(0, 65535).description(""))
        ->type_name("N");
    up.add_option("--ready-fd", up_.ready_descriptor,
                  "write one byte to this descriptor once everything stands")
        ->type_name("N");
    up.add_flag("--verbose", flags_.verbose, "log more");
  }
  void define_runs() {
    auto& runs = verb("runs", "list runs, newest first, or print one run's receipt",
                      "  weir runs --next --limit 10\n"
                      "  weir runs --parked\n"
                      "  weir runs --state partial --pipeline load-sessions --since 24h\n"
                      "  weir runs --object landing/2017/a.json\n"
                      "  weir runs 01k2v7yq3c8r0d5m9xw4hbtzne --format json");
    runs.add_option("run", runs_.run, "the id of a run")->type_name("RUN");
    auto* state = runs.add_option("--state", runs_.state, "only runs in this state");
    state->type_name("queued|running|succeeded|partial|failed|skipped|parked");
    runs.add_flag_callback(
            "--parked", [this] { runs_.state = "parked"; },
            "only runs that failed and wait for a person")
        ->excludes(state);
    runs.add_option("--pipeline", runs_.pipeline, "only runs of this pipeline")->type_name("NAME");
    runs.add_option("--object", runs_.object, "only runs of this object")->type_name("BUCKET/KEY");
    runs.add_option("--since", runs_.since,
                    "only runs created then or later: a date, a time (UTC unless it has an "
                    "offset), or an age such as 90m, 24h, 7d")
        ->type_name("WHEN");
    runs.add_option("--until", runs_.until, "only runs created before then")->type_name("WHEN");
    runs.add_option("--limit", runs_.limit, "at most so many")
        ->check(CLI::Range(1, 1'000'000).description(""))
        ->type_name("N")
        ->default_str("50");
    runs.add_flag("--next", flags_.next, "the times at which schedules will fire, soonest first")
        ->excludes("--state");
  }
  void define_retry() {
    auto& retry = verb("retry", "try parked runs again, or have done with them",
                       "  weir retry 01k2v7yq3c8r0d5m9xw4hbtzne\n"
                       "  weir retry --all --pipeline load-sessions\n"
                       "  weir retry --all --dismiss");
    auto* run = retry.add_option("run", retry_.run, "the id of a parked or failed run");
    run->type_name("RUN");
    retry.add_flag("--all", flags_.all_parked, "every parked run")->excludes(run);
    retry.add_option("--pipeline", retry_.pipeline, "with --all: only runs of this pipeline")
        ->type_name("NAME")
        ->excludes(run);
    retry.add_flag("--dismiss", flags_.dismiss_parked,
                   "they have failed, and nobody waits for them");
  }
  void define_logs() {
    auto& logs = verb("logs", "print what a run had to say, or the newest lines of all runs",
                      "  weir logs 01k2v7yq3c8r0d5m9xw4hbtzne\n"
                      "  weir logs -f --level warning\n"
                      "  weir logs 01k2v7yq3c8r0d5m9xw4hbtzne -f --format json   # JSON lines");
    logs.add_option("run", logs_.run, "the id of a run; without it: all runs")->type_name("RUN");
    logs.add_flag("-f,--follow", flags_.follow,
                  "go on with what comes, until the run has ended or you stop it");
    logs.add_option("--level", logs_.level, "only lines of this level and above")
        ->type_name("debug|info|warning|error");
    logs.add_option("--limit", logs_.limit, "without RUN: begin with at most so many lines")
        ->check(CLI::Range(1, 10'000).description(""))
        ->type_name("N")
        ->default_str("50");
  }
  void define_top() {
    auto& top = verb("top", "show what weir is doing, live in the terminal; q quits",
                     "  weir top\n"
                     "  weir top --once --format json");
    top.add_flag("--once", flags_.once, "print it once, for scripts");
  }
  void define_rejects() {
    auto& rejects = verb("rejects", "list rejected rows, or write them as a file to mend",
                         "  weir rejects --all\n"
                         "  weir rejects last\n"
                         "  weir rejects 01k2v7 --format csv > mended.csv\n"
                         "  weir rejects 01k2v7 --dismiss");
    rejects
        .add_option("run", rejects_.run,
                    "the id of a run, or what it begins with; last: the newest with rejects")
        ->type_name("RUN");
    rejects.add_flag("--all", flags_.all_rejects,
                     "without RUN: every run with unresolved rejects; with it: resolved ones, too");
    rejects.add_flag("--resolved", flags_.resolved, "those that are resolved");
    rejects.add_flag("--dismiss", flags_.dismiss, "mark the run's unresolved ones as resolved");
  }
  void define_replay() {
    auto& replay = verb("replay", "judge and load rejected rows again, mended ones from a file",
                        "  weir replay last --with mended.csv\n"
                        "  weir replay 01k2v7\n"
                        "  weir replay --all");
    replay.add_option("run", replay_.run, "the run whose rejects they are; see `weir rejects`")
        ->type_name("RUN");
    replay
        .add_option("--with", replay_.file,
                    "the mended rows, as `weir rejects RUN --format csv` or json wrote them; only "
                    "those are tried")
        ->type_name("FILE");
    replay.add_flag("--all", flags_.all_replays,
                    "without RUN: of every run; with --with: also the rows that are not in FILE");
  }
  void define_why() {
    auto& why = verb("why", "say where a row of a table came from",
                     "  weir why hits 9117776942963408674 1498921578 2017-07-01\n"
                     "  weir why people email=ada@example.org --format json");
    why.add_option("table", why_.table, "the table, as the project names it")
        ->required()
        ->type_name("TABLE");
    why.add_option("key", why_.key, "the values of its key in their order, or COLUMN=VALUE")
        ->required()
        ->type_name("KEY");
  }
  void define_query() {
    auto& query =
        verb("query", "run one SQL statement and print its rows",
             "  weir query \"SELECT date, sum(hits) FROM monks.daily_totals GROUP BY 1\"\n"
             "  weir query \"SELECT * FROM weir_loads\" --in warehouse --format csv\n"
             "  weir query - --write < cleanup.sql");
    query.add_option("sql", query_.sql, "the statement; - reads it from standard input")
        ->required()
        ->type_name("SQL");
    query.add_option("--in", query_.database, "the database; needed when there are several")
        ->type_name("DB");
    query.add_flag("--write", flags_.write, "allow a statement that changes data");
  }
  void define_drift() {
    auto& drift =
        verb("drift", "compare the dictionary's tables with the database, and mend the difference",
             "  weir drift\n"
             "  weir drift hits --apply\n\n"
             "Exit code 1 when something differs that is not harmless.");
    drift.add_option("table", drift_.table, "only this table")->type_name("TABLE");
    drift.add_flag("--apply", flags_.apply,
                   "run the DDL that is safe, in one transaction; never drops a column or data");
  }
  void define_schema() {
    auto& schema = verb("schema", "print the JSON Schema of weir.yaml, for editors",
                        "  weir schema > weir.schema.json\n"
                        "  weir schema --reference > project-file.md");
    schema.add_flag("--reference", flags_.reference, "print the reference page instead (Markdown)");
  }

  void define_doctor() {
    verb("doctor", "look for what would keep this project from running, and say what mends it",
         "  weir doctor\n"
         "  weir doctor --env prod --format json\n\n"
         "Exit code 1 when there is a problem; warnings alone are none.");
  }
  void define_secret() {
    auto& secret =
        verb("secret", "set, list, remove and seal again what ${secret:name} stands for",
             "  weir secret set pg < password.txt\n"
             "  weir secret list --env prod\n"
             "  weir secret rm pg\n"
             "  weir secret rotate\n\n"
             "A value comes from standard input, and is asked for at a terminal; never from an "
             "argument.");
    secret.require_subcommand(1);
    const auto action = [&](const char* name, SecretAction chosen, const char* description) {
      CLI::App* made = secret.add_subcommand(name, description);
      made->callback([this, chosen] { secret_.action = chosen; });
      return made;
    };
    const auto named = [&](CLI::App* made) {
      made->add_option("name", secret_.name, "the secret's name")->required()->type_name("NAME");
      // Taken so that no message quotes it.
      made->add_option("value", not_expected_)->group("");
    };
    named(action("set", SecretAction::set, "seal a value, read from standard input"));
    action("list", SecretAction::list, "names, sizes and sources; never values");
    named(action("rm", SecretAction::remove, "take one out of the sealed file"));
    action("rotate", SecretAction::rotate, "make a new key and seal everything again");
  }

  void define_key() {
    auto& key = verb("key", "make, list and revoke keys of the HTTP API",
                     "  weir key create importer --table hits --format json\n"
                     "  weir key create dashboard --scope queries --query daily\n"
                     "  weir key list\n"
                     "  weir key revoke importer\n\n"
                     "A key is shown when it is made, and never again.");
    key.require_subcommand(1);
    const auto action = [&](const char* name, KeyAction chosen, const char* description) {
      CLI::App* made = key.add_subcommand(name, description);
      made->callback([this, chosen] { key_.action = chosen; });
      return made;
    };
    CLI::App* create = action("create", KeyAction::create, "make a key and show it");
    create->add_option("name", key_.name, "whose key it is")->required()->type_name("NAME");
    create->add_option("--scope", key_.scopes, "what it is for; without it: rows and queries")
        ->check(CLI::IsMember({"rows", "queries", "admin"}).description(""))
        ->allow_extra_args(false)
        ->type_name("rows|queries|admin");
    create->add_option("--table", key_.tables, "rows of this table only; may be given again")
        ->allow_extra_args(false)
        ->type_name("TABLE");
    create->add_option("--query", key_.queries, "this query only; may be given again")
        ->allow_extra_args(false)
        ->type_name("QUERY");
    create->add_option("--plan", key_.plan, "the plan that says how much it may ask for")
        ->type_name("PLAN");
    action("list", KeyAction::list, "the keys there are; never the keys themselves");
    action("revoke", KeyAction::revoke, "end a key")
        ->add_option("name", key_.name, "its id, or its name")
        ->required()
        ->type_name("NAME");
  }

  static TextOnly value_on_command_line() {
    return {2,
            {},
            "weir: a value must not stand on the command line, where other users and the shell's "
            "history see it\nGive it on standard input: weir secret set NAME < FILE\n"};
  }

  TextOnly text_only(const CLI::ParseError& problem, int argc, const char* const* argv) const {
    if (problem.get_exit_code() == 0) {  // help or version
      std::ostringstream out, error;
      app_.exit(problem, out, error);
      return {0, out.str(), error.str()};
    }
    std::string message = problem.what();
    const auto used = app_.get_subcommands();
    const bool too_much = dynamic_cast<const CLI::ExtrasError*>(&problem) != nullptr;
    if (too_much && !used.empty() && used.front()->get_name() == "secret") {
      return value_on_command_line();
    }
    const std::string help =
        used.empty() ? "weir --help" : "weir " + used.front()->get_name() + " --help";
    if (used.empty()) {
      for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word.empty() || word.front() == '-') continue;
        message = "there is no verb '" + word + "'";
        if (const auto near = nearest(word, verbs)) {
          message += "; did you mean '" + std::string(*near) + "'?";
        }
        break;
      }
    }
    return {2, {}, "weir: " + message + "\nSee `" + help + "`.\n"};
  }

  CLI::App app_;
  CommandLine line_;
  Flags flags_;
  InitCommand init_;
  RunCommand run_;
  PlanCommand plan_;
  TestCommand test_;
  UpCommand up_;
  RunsCommand runs_;
  RetryCommand retry_;
  LogsCommand logs_;
  TopCommand top_;
  RejectsCommand rejects_;
  ReplayCommand replay_;
  WhyCommand why_;
  QueryCommand query_;
  DriftCommand drift_;
  SchemaCommand schema_;
  SecretCommand secret_;
  KeyCommand key_;
  std::vector<std::string> not_expected_;
};

}  // namespace

std::variant<CommandLine, TextOnly> parse_command_line(int argc, const char* const* argv) {
  return Definition().parse(argc, argv);
}

}  // namespace weir::cli
