#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::variant<CommandLine, TextOnly> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "weir");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

template <class Kind>
Kind command(std::vector<const char*> words) {
  const auto parsed = parse(std::move(words));
  const auto* line = std::get_if<CommandLine>(&parsed);
  if (line == nullptr) {
    ADD_FAILURE() << std::get<TextOnly>(parsed).error;
    return {};
  }
  return std::get<Kind>(line->command);
}

TextOnly refused(std::vector<const char*> words) {
  const auto parsed = parse(std::move(words));
  if (const auto* text = std::get_if<TextOnly>(&parsed)) return *text;
  ADD_FAILURE() << "it was taken";
  return {};
}

TEST(CommandLine, Run) {
  const auto plain = command<RunCommand>({"run", "load"});
  EXPECT_EQ(plain.pipeline, "load");
  EXPECT_TRUE(plain.objects.empty());
  EXPECT_EQ(plain.force, Choice::no);
  const auto full =
      command<RunCommand>({"run", "--object", "b/x", "load", "--object", "b/y z", "--force"});
  EXPECT_EQ(full.pipeline, "load");
  EXPECT_THAT(full.objects, ElementsAre("b/x", "b/y z"));
  EXPECT_EQ(full.force, Choice::yes);
}

TEST(CommandLine, Test) {
  const auto plain = command<TestCommand>({"test"});
  EXPECT_TRUE(plain.names.empty());
  EXPECT_EQ(plain.jobs, 0u);
  EXPECT_FALSE(plain.junit);
  EXPECT_EQ(plain.update, Choice::no);
  const auto full = command<TestCommand>(
      {"test", "dirty history", "--jobs", "3", "two", "--junit", "r.xml", "--update"});
  EXPECT_THAT(full.names, ElementsAre("dirty history", "two"));
  EXPECT_EQ(full.jobs, 3u);
  EXPECT_EQ(full.junit, "r.xml");
  EXPECT_EQ(full.update, Choice::yes);
  EXPECT_EQ(refused({"test", "--jobs", "0"}).exit_code, 2);
}

TEST(CommandLine, GlobalOptionsStandBeforeOrBehindTheVerb) {
  for (const auto& words : {std::vector<const char*>{"--project", "p", "--env", "prod", "--format",
                                                     "json", "run", "load"},
                            {"run", "load", "--project", "p", "--env", "prod", "--format", "json"},
                            {"run", "--project=p", "load", "--env=prod", "--format=json"}}) {
    const auto parsed = parse(words);
    const auto& line = std::get<CommandLine>(parsed);
    EXPECT_EQ(line.project, "p");
    EXPECT_EQ(line.environment, "prod");
    EXPECT_EQ(line.format, OutputFormat::json);
  }
  const auto parsed = parse({"validate"});
  EXPECT_EQ(std::get<CommandLine>(parsed).project, ".");
  EXPECT_EQ(std::get<CommandLine>(parsed).format, OutputFormat::table);
}

TEST(CommandLine, TheOtherVerbs) {
  EXPECT_EQ(command<InitCommand>({"init"}).directory, ".");
  const auto init = command<InitCommand>({"init", "shop", "--from", "a.csv"});
  EXPECT_EQ(init.directory, "shop");
  EXPECT_EQ(init.sample, "a.csv");
  command<ValidateCommand>({"validate"});
  const auto up = command<UpCommand>({"up", "--ready-fd", "7", "--port", "8080"});
  EXPECT_EQ(up.ready_descriptor, 7);
  EXPECT_EQ(up.port, 8080);
  EXPECT_FALSE(up.s3_port);
  const auto runs =
      command<RunsCommand>({"runs", "--state", "failed", "--pipeline", "load", "--limit", "7"});
  EXPECT_EQ(runs.state, "failed");
  EXPECT_EQ(runs.pipeline, "load");
  EXPECT_EQ(runs.limit, 7);
  const auto parked = command<RunsCommand>(
      {"runs", "--parked", "--object", "b/k", "--since", "24h", "--until", "2026-11-20"});
  EXPECT_EQ(parked.state, "parked");
  EXPECT_EQ(parked.object, "b/k");
  EXPECT_EQ(parked.since, "24h");
  EXPECT_EQ(parked.until, "2026-11-20");
  EXPECT_EQ(command<RunsCommand>({"runs", "01k"}).run, "01k");
  EXPECT_EQ(command<LogsCommand>({"logs", "01k"}).run, "01k");
  EXPECT_EQ(command<LogsCommand>({"logs", "-f", "--level", "error"}).follow, Choice::yes);
  EXPECT_EQ(command<LogsCommand>({"logs", "-f", "--level", "error"}).level, "error");
  EXPECT_EQ(command<TopCommand>({"top", "--once"}).once, Choice::yes);
  EXPECT_EQ(command<UpCommand>({"up", "--admin-port", "0"}).admin_port, 0);
  const auto query = command<QueryCommand>({"query", "SELECT 1", "--in", "db", "--write"});
  EXPECT_EQ(query.sql, "SELECT 1");
  EXPECT_EQ(query.database, "db");
  EXPECT_EQ(query.write, Choice::yes);
  EXPECT_EQ(command<QueryCommand>({"query", "-"}).sql, "-");
  const auto plan = command<PlanCommand>({"plan", "load", "--object", "b/k", "--no-write"});
  EXPECT_EQ(plan.pipeline, "load");
  EXPECT_EQ(plan.objects, std::vector<std::string>{"b/k"});
  EXPECT_EQ(plan.write, Choice::no);
  EXPECT_EQ(plan.force, Choice::no);
  EXPECT_EQ(command<PlanCommand>({"plan", "load", "--force"}).write, Choice::yes);
  EXPECT_EQ(command<DriftCommand>({"drift"}).table, "");
  EXPECT_EQ(command<DriftCommand>({"drift", "t", "--apply"}).apply, Choice::yes);
  EXPECT_EQ(command<SchemaCommand>({"schema", "--reference"}).reference, Choice::yes);
}

TEST(CommandLine, WrongUsageIsTwoAndPointsAtHelp) {
  for (const auto& words : {std::vector<const char*>{},
                            {"run"},
                            {"query"},
                            {"logs", "--limit", "0"},
                            {"up", "--admin-port", "70000"},
                            {"runs", "--format", "xml"},
                            {"run", "a", "--nope"},
                            {"run", "a", "b"},
                            {"runs", "--limit", "0"},
                            {"runs", "--parked", "--state", "failed"},
                            {"up", "--ready-fd", "x"}}) {
    const TextOnly text = refused(words);
    EXPECT_EQ(text.exit_code, 2);
    EXPECT_THAT(text.error, HasSubstr("--help"));
    EXPECT_EQ(text.out, "");
  }
  EXPECT_EQ(refused({"rum", "load"}).error,
            "weir: there is no verb 'rum'; did you mean 'run'?\nSee `weir --help`.\n");
}

TEST(CommandLine, HelpAndVersion) {
  EXPECT_EQ(refused({"--version"}).out, "weir " WEIR_VERSION "\n");
  const TextOnly help = refused({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("Exit codes:"));
  for (const char* verb : {"init", "validate", "run", "up", "runs", "logs", "query", "schema"}) {
    EXPECT_THAT(help.out, HasSubstr(verb));
    EXPECT_THAT(refused({verb, "--help"}).out, HasSubstr("Examples:\n  weir " + std::string(verb)));
  }
}

TEST(CommandLine, RejectsReplayAndWhy) {
  const auto rejects = command<RejectsCommand>({"rejects", "01k", "--dismiss"});
  EXPECT_EQ(rejects.run, "01k");
  EXPECT_EQ(rejects.dismiss, Choice::yes);
  EXPECT_EQ(rejects.all, Choice::no);
  EXPECT_EQ(command<RejectsCommand>({"rejects", "--all", "--resolved"}).resolved, Choice::yes);
  const auto replay = command<ReplayCommand>({"replay", "last", "--with", "m.csv", "--all"});
  EXPECT_EQ(replay.run, "last");
  EXPECT_EQ(replay.file, "m.csv");
  EXPECT_EQ(replay.all, Choice::yes);
  EXPECT_FALSE(command<ReplayCommand>({"replay", "01k"}).file);
  const auto why = command<WhyCommand>({"why", "hits", "1", "day=2017-07-01"});
  EXPECT_EQ(why.table, "hits");
  EXPECT_THAT(why.key, ElementsAre("1", "day=2017-07-01"));
  EXPECT_EQ(refused({"why", "hits"}).exit_code, 2);
}

}  // namespace
}  // namespace weir::cli
