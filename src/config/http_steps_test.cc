#include <gtest/gtest.h>

#include "config/diagnostics_for_test.h"

namespace weir::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Six lines; the pipelines begin in line 7, indented by two.
const std::string head =
    "project: p\n"
    "databases: {w: duckdb://w.duckdb}\n"
    "buckets: {in: file://in}\n"
    "tables: {t: {in: w, columns: {id: bigint}}}\n"
    "network: {allow: ['*.example.org', 10.0.0.0/8], deny: [bad.example.org]}\n"
    "pipelines:\n";

std::vector<std::string> problems(const std::string& pipelines) {
  std::vector<std::string> out;
  for (const std::string& line : lines_of(load_text(head + pipelines))) {
    const bool soon = line.find("not there yet") != std::string::npos;  // other parts' notes
    if (!soon) out.push_back(line);
  }
  return out;
}

std::vector<std::string> of_download(const std::string& settings) {
  return problems("  a: {steps: [{download: {" + settings + "}}]}\n");
}

const std::string good = "url: 'https://a.example.org/x.csv', to: in/x.csv";

TEST(HttpSteps, ADownloadBecomesTheModel) {
  const LoadedProject loaded = load_text(
      head +
      "  a:\n    steps:\n      - download:\n"
      "          url: https://${secret:user}@a.example.org/${run.day}.csv?k=${secret:k}\n"
      "          to: in/x/${run.day}.csv\n"
      "          headers: {X-Key: 'k ${secret:k}', Accept: text/csv}\n"
      "          sha256: 9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08\n"
      "          max_size: 5MB\n          timeout: 10m\n          stall: 20s\n"
      "          allow: [a.example.org]\n"
      "      - notify: {url: 'http://10.0.0.1/hook', on: [failure], sign: '${secret:s}'}\n");
  ASSERT_TRUE(loaded.ok()) << testing::PrintToString(lines_of(loaded));
  EXPECT_EQ(loaded.project.network.allow.size(), 2u);
  EXPECT_EQ(loaded.project.network.deny[0].host, "bad.example.org");
  const Pipeline& a = loaded.project.pipelines[0];
  const DownloadStep* download = a.download();
  ASSERT_NE(download, nullptr);
  EXPECT_EQ(download->url, "https://${secret:user}@a.example.org/${run.day}.csv?k=${secret:k}");
  EXPECT_EQ(download->bucket, BucketName("in"));
  EXPECT_EQ(download->key, "x/${run.day}.csv");
  ASSERT_EQ(download->headers.size(), 2u);
  EXPECT_EQ(download->headers[0].name, "X-Key");
  EXPECT_EQ(download->headers[0].value, "k ${secret:k}");
  EXPECT_EQ(download->sha256, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
  EXPECT_EQ(download->max_size, 5'000'000u);
  EXPECT_EQ(download->timeout_ms, 600'000);
  EXPECT_EQ(download->stall_ms, 20'000);
  EXPECT_EQ(download->allow[0].host, "a.example.org");
  const auto& notify = std::get<NotifyStep>(a.steps[1]);
  EXPECT_TRUE(notify.on_failure);
  EXPECT_FALSE(notify.on_success);
  EXPECT_FALSE(notify.on_rejects);
  EXPECT_EQ(notify.sign, "${secret:s}");
}

TEST(HttpSteps, NoticesTellOfEverythingUnlessToldOtherwise) {
  const LoadedProject loaded =
      load_text(head +
                "  a:\n    steps:\n      - read: {format: csv, columns: {id: bigint}}\n"
                "      - load: {table: t}\n"
                "      - notify: {url: 'https://a.example.org/1'}\n"
                "      - notify: {url: '${secret:whole}', on: [rejects], rejects_over: 5%}\n"
                "      - notify: {url: 'https://a.example.org/3', rejects_over: 10}\n");
  ASSERT_TRUE(loaded.ok()) << testing::PrintToString(lines_of(loaded));
  const auto& steps = loaded.project.pipelines[0].steps;
  const auto& first = std::get<NotifyStep>(steps[2]);
  EXPECT_TRUE(first.on_success && first.on_failure && first.on_rejects);
  EXPECT_EQ(first.rejects_over, 0u);
  EXPECT_DOUBLE_EQ(*std::get<NotifyStep>(steps[3]).rejects_over_ratio, 0.05);
  EXPECT_EQ(std::get<NotifyStep>(steps[4]).rejects_over, 10u);
}

TEST(HttpSteps, WhatADownloadCannotBe) {
  EXPECT_THAT(of_download(good), IsEmpty());
  EXPECT_THAT(of_download("url: 'ftp://a.example.org/x', to: in/x"),
              ElementsAre("7:32: error: the URL of 'download' of pipeline 'a' is neither an "
                          "http:// nor an https:// one; write http://HOST/… or https://HOST/…"));
  EXPECT_THAT(of_download("url: 'https://bad.example.org/x', to: in/x"),
              ElementsAre("7:32: error: the URL of 'download' of pipeline 'a': bad.example.org is "
                          "behind the fence: network: deny has 'bad.example.org'; take it out of "
                          "deny"));
  EXPECT_THAT(of_download("url: 'http://169.254.169.254/latest', to: in/x"),
              ElementsAre(testing::HasSubstr("169.254.169.254 is behind the fence")));
  EXPECT_THAT(of_download(good + ", allow: [b.example.org]"),
              ElementsAre("7:32: error: the URL of 'download' of pipeline 'a': a.example.org is "
                          "behind the fence: the step's allow does not name it; add it to the "
                          "step's allow"));
  EXPECT_THAT(
      of_download("url: 'https://a.example.org/x', to: out/x"),
      ElementsAre("7:63: error: unknown bucket 'out' in 'to' of pipeline 'a'; there is in"));
  for (const char* to : {"in", "in/", "in//x", "in/../x", "in/a/"}) {
    EXPECT_THAT(of_download(std::string("url: 'https://a.example.org/x', to: ") + to),
                ElementsAre(testing::HasSubstr("names no object")))
        << to;
  }
  EXPECT_THAT(of_download("url: 'https://a.example.org/x', to: 'in/${secret:x}'"),
              ElementsAre(testing::HasSubstr("error: a secret cannot be used here")));
  EXPECT_THAT(of_download(good + ", sha256: abc"),
              ElementsAre(testing::HasSubstr("'sha256' is no SHA-256")));
  EXPECT_THAT(of_download(good + ", headers: {Range: x}"),
              ElementsAre(testing::HasSubstr("the header 'Range' is weir's own to set")));
  EXPECT_THAT(of_download(good + ", headers: {X: \"a\\r\\nb\"}"),
              ElementsAre(testing::HasSubstr("control characters")));
  EXPECT_THAT(of_download(good + ", headers: {'a b': x}"),
              ElementsAre(testing::HasSubstr("'a b' cannot be the name of a header")));
  EXPECT_THAT(of_download(good + ", allow: [10.0.0.1/8]"),
              ElementsAre(testing::HasSubstr("does not begin where its range begins; write "
                                             "10.0.0.0/8")));
}

TEST(HttpSteps, KeysInTheClearAreAWarning) {
  EXPECT_THAT(of_download(good + ", headers: {authorization: Bearer x}"),
              ElementsAre(testing::HasSubstr("warning: whoever can read the project file")));
  EXPECT_THAT(of_download("url: 'https://u:p@a.example.org/x', to: in/x"),
              ElementsAre(testing::HasSubstr("warning: the URL of 'download' of pipeline 'a' holds "
                                             "a password in the clear")));
  EXPECT_THAT(problems("  a: {steps: [{download: {" + good +
                       "}}, {notify: {url: 'https://a.example.org', sign: geheim}}]}\n"),
              ElementsAre(testing::HasSubstr("warning: whoever can read the project file")));
}

TEST(HttpSteps, WhereTheyStand) {
  const std::string download = "{download: {" + good + "}}";
  const std::string notify = "{notify: {url: 'https://a.example.org'}}";
  const std::string read = "{read: {format: csv}}, ";
  const std::string load = "{load: {table: t}}";
  const auto steps = [](const std::string& list) {
    return problems("  a: {steps: [" + list + "]}\n");
  };
  EXPECT_THAT(steps(read + load + ", " + notify), IsEmpty());
  EXPECT_THAT(steps(download + ", " + notify + ", " + notify), IsEmpty());
  EXPECT_THAT(steps(download + ", " + download),
              ElementsAre(testing::HasSubstr(
                  "error: download in pipeline 'a' stands behind a download; a pipeline downloads "
                  "one object: move it into its own pipeline")));
  EXPECT_THAT(steps(download + ", " + load),
              ElementsAre(testing::HasSubstr(
                  "error: load in pipeline 'a' stands behind a download; let the object start "
                  "another pipeline: when: [{object: …}]")));
  EXPECT_THAT(steps(read + notify + ", " + load),
              ElementsAre(testing::HasSubstr("error: notify in pipeline 'a' is not the last step; "
                                             "a notice tells how the run ended: move it to the "
                                             "end")));
  EXPECT_THAT(steps(notify), ElementsAre(testing::HasSubstr("only notifies")));
  EXPECT_THAT(steps(read + load + ", " + download),
              ElementsAre(testing::HasSubstr("download in pipeline 'a' is not the first step"),
                          testing::HasSubstr("stands behind the load")));
}

TEST(HttpSteps, WhatANoticeCannotBe) {
  const auto notify = [](const std::string& settings) {
    return problems("  a: {steps: [{download: {" + good + "}}, {notify: {" + settings + "}}]}\n");
  };
  EXPECT_THAT(notify("url: 'https://a.example.org', on: []"),
              ElementsAre(testing::HasSubstr("nobody would be told")));
  EXPECT_THAT(notify("url: 'https://a.example.org', on: [failure], rejects_over: 3"),
              ElementsAre(testing::HasSubstr("'rejects_over' goes with on: [rejects]")));
  EXPECT_THAT(notify("url: 'https://a.example.org', on: [sucess]"),
              ElementsAre(testing::HasSubstr("did you mean 'success'?")));
  EXPECT_THAT(notify("url: 'https://a.example.org/${run.day}'"),
              ElementsAre(testing::HasSubstr("holds ${run.…}")));
  EXPECT_THAT(notify("url: 'https://a.example.org', sign: ''"),
              ElementsAre(testing::HasSubstr("'sign' is empty")));
  EXPECT_THAT(notify("url: 'https://a.example.org', rejects_over: 5.5.5%"),
              ElementsAre(testing::HasSubstr("'rejects_over'")));
}

}  // namespace
}  // namespace weir::config
