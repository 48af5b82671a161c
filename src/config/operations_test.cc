#include <gtest/gtest.h>

#include "config/diagnostics_for_test.h"

namespace weir::config {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

TEST(Operations, LeftOutThereIsNoListenerAndALogOfInfoOnStandardError) {
  const LoadedProject loaded = load_text("project: p\n");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.project.admin, std::nullopt);
  EXPECT_EQ(loaded.project.log.level, log::Level::info);
  EXPECT_EQ(loaded.project.log.file, "");
}

TEST(Operations, AreReadAndFilesLieBelowTheProject) {
  const LoadedProject loaded = load_text(
      "project: p\n"
      "log: {level: warning, format: json, file: log/weir.log, rotate: {size: 1MB, keep: 2}}\n"
      "admin: {listen: '[::1]:9464'}\n");
  ASSERT_THAT(lines_of(loaded), ElementsAre());
  const log::Settings& log = loaded.project.log;
  EXPECT_EQ(log.level, log::Level::warning);
  EXPECT_EQ(log.format, log::Format::json);
  EXPECT_EQ(log.file, "/project/log/weir.log");
  EXPECT_EQ(log.rotate_bytes, 1'000'000u);
  EXPECT_EQ(log.keep, 2);
  EXPECT_EQ(loaded.project.admin, (ListenAddress{"::1", 9464}));
}

TEST(Operations, APortAloneIsThisMachines) {
  EXPECT_EQ(load_text("project: p\nadmin: 9464\n").project.admin,
            (ListenAddress{"127.0.0.1", 9464}));
  EXPECT_EQ(load_text("project: p\nlog: {file: /var/log/weir.log}\n").project.log.file,
            "/var/log/weir.log");
}

TEST(Operations, WhatIsWrongPoints) {
  expect_diagnostics(
      {{"log: {file: log/}\n", {"2:13: error: 'file' of 'log' names no file; write e.g. weir.log"}},
       {"admin: metrics.example:9464\n",
        {"2:8: error: 'metrics.example:9464' is no address to listen on; write a port, "
         "127.0.0.1:PORT or [::1]:PORT; a host's name will not do"}}},
      "project: p\n");
  const LoadedProject open = load_text("project: p\nadmin: 0.0.0.0:9464\n");
  EXPECT_TRUE(open.ok());
  EXPECT_THAT(lines_of(open),
              ElementsAre(StartsWith("2:8: warning: whoever reaches 0.0.0.0:9464 may read")));
}

}  // namespace
}  // namespace weir::config
