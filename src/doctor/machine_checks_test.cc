#include "doctor/machine_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace weir::doctor {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A machine as a test wants it: all is well until it says otherwise.
class FakeMachine final : public Machine {
 public:
  Timestamp now() const override { return time; }
  std::optional<std::string> text(const std::string& path) const override {
    const auto at = texts.find(path);
    return at == texts.end() ? std::nullopt : std::optional(at->second);
  }
  std::optional<DiskSpace> disk(const std::filesystem::path& path) const override {
    const auto at = disks.find(path);
    return at == disks.end() ? space : at->second;
  }
  std::optional<Timestamp> changed(const std::filesystem::path& path) const override {
    const auto at = changes.find(path);
    return at == changes.end() ? std::nullopt : std::optional(at->second);
  }
  uint64_t open_file_limit() const override { return open_files; }
  ClockState clock_state() const override { return clock; }
  uint64_t folders(const std::filesystem::path&, uint64_t most) const override {
    return std::min(folder_count, most);
  }

  Timestamp time{std::chrono::seconds(1'795'000'000)};
  std::map<std::string, std::string> texts = {
      {"/proc/meminfo", "MemTotal:       16000000 kB\nMemFree: 1 kB\n"},
      {"/proc/self/cgroup", "0::/\n"},
      {"/proc/sys/fs/inotify/max_user_watches", "8192\n"},
      {"/proc/sys/fs/inotify/max_user_instances", "128\n"}};
  std::map<std::filesystem::path, std::optional<DiskSpace>> disks;
  std::map<std::filesystem::path, Timestamp> changes;
  std::optional<DiskSpace> space =
      DiskSpace{1, 500ull << 30, 100ull << 30, 1'000'000, 900'000, false, false};
  uint64_t open_files = 20'000;
  ClockState clock = ClockState::synchronized;
  uint64_t folder_count = 10;
};

Project project() {
  Project made;
  made.name = "p";
  made.root = "/p";
  made.memory_bytes = 1'000'000'000;
  made.databases.push_back(
      {DatabaseName("db"), Engine::duckdb, "duckdb://db", "/data/db.duckdb", {}});
  made.buckets.push_back(
      {BucketName("landing"), BucketKind::file, "file://landing", "/p/landing", 1000, {}});
  Pipeline load;
  load.name = PipelineName("load");
  load.triggers.push_back(ObjectTrigger{BucketName("landing"), "*.json", {}});
  made.pipelines.push_back(load);
  return made;
}

/// The only finding that is not ok; `ok` when all are.
Finding worst(const Findings& findings) {
  Finding found{"none", Verdict::ok, {}, {}};
  int others = 0;
  for (const Finding& finding : findings) {
    if (finding.verdict == Verdict::ok) continue;
    found = finding;
    ++others;
  }
  EXPECT_LE(others, 1);
  return found;
}

class MachineChecks : public testing::Test {
 protected:
  FakeMachine machine_;
};

TEST_F(MachineChecks, AllIsWellOnAMachineThatIs) {
  for (const Findings& findings :
       {check_disks(project(), machine_), check_memory(project(), machine_),
        check_clock(project(), machine_), check_watches(project(), machine_),
        check_open_files(machine_)}) {
    ASSERT_FALSE(findings.empty());
    EXPECT_EQ(worst(findings).verdict, Verdict::ok) << worst(findings).found;
  }
}

TEST_F(MachineChecks, DisksThatAreFullOrNearlySo) {
  machine_.disks["/data"] = DiskSpace{2, 500ull << 30, 10ull << 20, 1000, 1'000'000, false, false};
  Finding finding = worst(check_disks(project(), machine_));
  EXPECT_EQ(finding.verdict, Verdict::problem);
  EXPECT_EQ(finding.check, "disk of database db");
  EXPECT_EQ(finding.found, "10 MiB of 500 GiB free at /data");
  EXPECT_THAT(finding.fix, HasSubstr("make room"));

  machine_.disks["/data"]->free_bytes = 1ull << 30;
  EXPECT_EQ(worst(check_disks(project(), machine_)).verdict, Verdict::warning);
  machine_.disks["/data"]->free_bytes = 400ull << 30;
  EXPECT_EQ(worst(check_disks(project(), machine_)).verdict, Verdict::ok);

  machine_.disks["/data"]->free_files = 5;
  EXPECT_THAT(worst(check_disks(project(), machine_)).found, HasSubstr("room for 5 more files"));
  machine_.disks["/data"]->total_files = 0;  // btrfs and the like: no limit
  EXPECT_EQ(worst(check_disks(project(), machine_)).verdict, Verdict::ok);
}

TEST_F(MachineChecks, SmallDisksAreMeasuredByTheirSize) {
  machine_.space->total_bytes = 4ull << 30;
  machine_.space->free_bytes = 1ull << 30;
  EXPECT_EQ(worst(check_disks(project(), machine_)).verdict, Verdict::ok);
}

TEST_F(MachineChecks, DisksThatAreReadOnlyRemoteOrGone) {
  machine_.disks["/data"] = machine_.space;
  machine_.disks["/data"]->device = 2;
  machine_.disks["/data"]->read_only = true;
  EXPECT_EQ(worst(check_disks(project(), machine_)).found, "/data is mounted read-only");
  machine_.disks["/data"]->read_only = false;
  machine_.disks["/data"]->remote = true;
  EXPECT_EQ(worst(check_disks(project(), machine_)).verdict, Verdict::warning);
  machine_.disks["/data"] = std::nullopt;
  EXPECT_EQ(worst(check_disks(project(), machine_)).found, "cannot examine /data");
}

TEST_F(MachineChecks, MemoryBeyondTheMachineOrItsControlGroup) {
  EXPECT_THAT(check_memory(project(), machine_)[0].found, HasSubstr("the machine has 15 GiB"));
  machine_.texts["/proc/meminfo"] = "MemTotal: 1000000 kB\n";
  EXPECT_EQ(worst(check_memory(project(), machine_)).verdict, Verdict::warning);
  machine_.texts["/proc/meminfo"] = "MemTotal: 900000 kB\n";
  Finding finding = worst(check_memory(project(), machine_));
  EXPECT_EQ(finding.verdict, Verdict::problem);
  EXPECT_THAT(finding.fix, HasSubstr("set memory: to 645 MB or less"));

  machine_.texts["/proc/meminfo"] = "MemTotal: 16000000 kB\n";
  machine_.texts["/proc/self/cgroup"] = "0::/system.slice/weir.service\n";
  machine_.texts["/sys/fs/cgroup/system.slice/weir.service/memory.max"] = "max\n";
  EXPECT_EQ(worst(check_memory(project(), machine_)).verdict, Verdict::ok);
  machine_.texts["/sys/fs/cgroup/system.slice/memory.max"] = "500000000\n";
  finding = worst(check_memory(project(), machine_));
  EXPECT_EQ(finding.verdict, Verdict::problem);
  EXPECT_THAT(finding.found, HasSubstr("the control group allows 476 MiB"));

  machine_.texts.erase("/proc/meminfo");
  EXPECT_EQ(worst(check_memory(project(), machine_)).verdict, Verdict::warning);
}

TEST_F(MachineChecks, AClockThatNobodyKeeps) {
  machine_.clock = ClockState::alone;
  const Finding finding = worst(check_clock(project(), machine_));
  EXPECT_EQ(finding.verdict, Verdict::warning);
  EXPECT_THAT(finding.fix, HasSubstr("timedatectl"));
  machine_.clock = ClockState::unknown;
  EXPECT_EQ(worst(check_clock(project(), machine_)).verdict, Verdict::warning);
}

TEST_F(MachineChecks, AFileFromTheFuture) {
  machine_.changes["/p/.weir/default/runs.sqlite"] = machine_.time + std::chrono::minutes(1);
  EXPECT_EQ(worst(check_clock(project(), machine_)).verdict, Verdict::ok);
  machine_.changes["/p/.weir/default/runs.sqlite"] = machine_.time + std::chrono::hours(1);
  const Finding finding = worst(check_clock(project(), machine_));
  EXPECT_EQ(finding.verdict, Verdict::problem);
  EXPECT_THAT(finding.found, HasSubstr("/p/.weir/default/runs.sqlite was changed at "));
}

TEST_F(MachineChecks, MoreFoldersThanMayBeWatched) {
  machine_.folder_count = 8'193;
  Finding finding = worst(check_watches(project(), machine_));
  EXPECT_EQ(finding.verdict, Verdict::problem);
  EXPECT_THAT(finding.found, HasSubstr("8193 folders to watch, 8192 watches allowed"));
  EXPECT_THAT(finding.fix, HasSubstr("sysctl -w fs.inotify.max_user_watches=16386"));
  machine_.folder_count = 7'000;
  EXPECT_EQ(worst(check_watches(project(), machine_)).verdict, Verdict::warning);
  machine_.folder_count = 10;
  machine_.texts["/proc/sys/fs/inotify/max_user_instances"] = "1\n";
  EXPECT_THAT(worst(check_watches(project(), machine_)).fix, HasSubstr("max_user_instances"));
  machine_.texts.erase("/proc/sys/fs/inotify/max_user_watches");
  EXPECT_EQ(worst(check_watches(project(), machine_)).verdict, Verdict::warning);
}

TEST_F(MachineChecks, BucketsThatNobodyWatchesNeedNoWatches) {
  Project unwatched = project();
  unwatched.pipelines.clear();
  machine_.folder_count = 100'000;
  EXPECT_EQ(check_watches(unwatched, machine_)[0].found, "no bucket is watched");
}

TEST_F(MachineChecks, FewOpenFiles) {
  machine_.open_files = 512;
  EXPECT_EQ(worst(check_open_files(machine_)).verdict, Verdict::warning);
  machine_.open_files = 64;
  EXPECT_EQ(worst(check_open_files(machine_)).verdict, Verdict::problem);
  EXPECT_THAT(worst(check_open_files(machine_)).fix, HasSubstr("LimitNOFILE"));
}

TEST(ThisMachine, AnswersEveryQuestion) {
  const auto machine = this_machine();
  EXPECT_GT(machine->now(), Timestamp{});
  EXPECT_THAT(machine->text("/proc/meminfo").value_or(""), HasSubstr("MemTotal"));
  EXPECT_EQ(machine->text("/proc/there-is-no-such-file"), std::nullopt);
  const auto disk = machine->disk("/tmp/not-there/nor-this");
  ASSERT_TRUE(disk);
  EXPECT_GT(disk->total_bytes, 0u);
  EXPECT_TRUE(machine->changed("/proc/self/exe"));
  EXPECT_GT(machine->open_file_limit(), 0u);
  EXPECT_EQ(machine->folders("/proc/there-is-no-such-folder", 10), 0u);
  EXPECT_GT(machine->folders("/usr", 5), 4u);
}

}  // namespace
}  // namespace weir::doctor
