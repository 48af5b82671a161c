#include <gtest/gtest.h>

#include "config/diagnostics_for_test.h"

namespace weir::config {
namespace {

using testing::ElementsAre;

TEST(Traces, LeftOutThereAreNone) { EXPECT_FALSE(load_text("project: p\n").project.traces); }

TEST(Traces, AreReadAndSecretsStayReferences) {
  const LoadedProject loaded = load_text(
      "project: p\n"
      "traces:\n"
      "  url: http://127.0.0.1:4318/v1/traces\n"
      "  headers: {Authorization: 'Bearer ${secret:token}'}\n"
      "  sample: 10%\n");
  ASSERT_THAT(lines_of(loaded), ElementsAre());
  ASSERT_TRUE(loaded.project.traces);
  const TracesConfig& traces = *loaded.project.traces;
  EXPECT_EQ(traces.url, "http://127.0.0.1:4318/v1/traces");
  EXPECT_EQ(traces.sample, 0.1);
  ASSERT_EQ(traces.headers.size(), 1u);
  EXPECT_EQ(traces.headers[0].value, "Bearer ${secret:token}");
  EXPECT_EQ(loaded.project.secrets.size(), 1u);
}

TEST(Traces, AllAreKeptUnlessAShareIsNamed) {
  const auto loaded = load_text("project: p\ntraces: {url: 'http://127.0.0.1:4318/v1/traces'}\n");
  ASSERT_TRUE(loaded.project.traces);
  EXPECT_EQ(loaded.project.traces->sample, 1);
}

TEST(Traces, WhatIsWrongPoints) {
  struct Case {
    const char* text;
    const char* expected;
  };
  for (const Case& each :
       {Case{"{url: 'http://c/${run.day}'}\n", "2:15: error: the URL of 'traces' holds ${run.…}"},
        Case{"{url: 'http://169.254.169.254/v1'}\n",
             "2:15: error: the URL of 'traces': 169.254.169.254 is behind the fence"},
        Case{"{url: 'collector:4318'}\n", "2:15: error: the URL of 'traces'"},
        Case{"{url: 'http://c/v1', headers: {traceparent: x}}\n",
             "the header 'traceparent' is weir's own to set"},
        Case{"{url: 'http://c/v1', sample: 2}\n", "'sample' must be a share"}}) {
    EXPECT_THAT(lines_of(load_text(std::string("project: p\ntraces: ") + each.text)),
                ElementsAre(testing::HasSubstr(each.expected)))
        << each.text;
  }
}

}  // namespace
}  // namespace weir::config
