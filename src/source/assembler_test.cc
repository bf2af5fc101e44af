#include "source/assembler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "source/scripted_messages.h"

namespace freshet::source {
namespace {

using namespace scripted;

// "Brow" for a Begin, a change with the body "ow" …: kinds and bodies, without what is behind the
// kind of Begin and Commit.
std::string told(Bytes messages) {
  std::string result;
  ByteReader reader(messages);
  while (reader.ok() && !reader.at_end()) {
    const std::string_view message = as_text(reader.bytes(reader.little<std::uint32_t>()));
    const bool bare = message[0] == 'B' || message[0] == 'C';
    result += (result.empty() ? "" : " ") + std::string(bare ? message.substr(0, 1) : message);
  }
  return reader.ok() ? result : result + '!';
}

class AssemblerTest : public testing::Test {
 protected:
  // What comes out while the messages go in: "B Ix C", "idle 20".
  std::vector<std::string> take(const std::vector<std::string>& messages) {
    std::vector<std::string> out;
    for (const std::string& message : messages) {
      const Result<> taken = assembler_.take(as_bytes(message));
      EXPECT_TRUE(taken.ok()) << taken.error().message;
      while (assembler_.ready()) note(out);
    }
    return out;
  }
  void note(std::vector<std::string>& out) {
    const Received received = assembler_.give().value();
    if (received.ddl_told) out.push_back("DDL");
    if (received.idle_at) out.push_back("idle " + std::to_string(received.idle_at->value));
    if (!received.part) return;
    parts_.push_back(*received.part);
    out.push_back(told(received.part->messages));
  }
  std::string refusal(const std::string& message) {
    const Result<> taken = assembler_.take(as_bytes(message));
    return taken.ok() ? "taken" : taken.error().sqlstate;
  }
  static Assembler streaming(const std::filesystem::path& folder, std::uint64_t part_bytes_max,
                             std::uint64_t memory_bytes_max) {
    return {
        part_bytes_max,
        Spools::open({.folder = folder / "spool", .memory_bytes_max = memory_bytes_max}).value()};
  }

  ScratchFolder folder_;
  Assembler assembler_ = streaming(folder_.path(), 1000, 1000);
  std::vector<TransactionPart> parts_;
};

using Told = std::vector<std::string>;

TEST_F(AssemblerTest, TakesLogicalMessagesOutAndPassesOnWhatOurTriggersTell) {
  EXPECT_EQ(take({logical("of an application")}), Told{});
  EXPECT_EQ(take({begin(100, 5), logical("freshet.ddl"), commit(100, 110)}),
            (Told{"DDL", "idle 110"}));
  EXPECT_EQ(take({begin(120, 6), change('I', "x"), logical("freshet.ddl"), logical("outbox"),
                  change('I', "y"), commit(120, 130)}),
            (Told{"DDL", "B Ix Iy C"}));
  const std::string rewrite = logical("freshet.ddl", 0, "rewrite 7");
  EXPECT_EQ(take({begin(132, 6), rewrite, logical("outbox"), commit(132, 136)}),
            (Told{"DDL", "B " + rewrite + " C"}));
  EXPECT_EQ(take({begin(140, 7), logical("freshet.dd"), commit(140, 150)}), Told{"idle 150"});
}

TEST_F(AssemblerTest, PassesItOnWhenAStreamedTransactionHasCommitted) {
  EXPECT_EQ(take({block(9, true), logical("freshet.ddl", 9), change('I', 9, "x"), end_block()}),
            Told{});
  EXPECT_EQ(take({begin(100, 5), change('I', "z"), commit(100, 110)}), Told{"B Iz C"});
  EXPECT_EQ(take({block(9, false), logical("freshet.ddl", 9, "rewrite 7"), end_block(),
                  stream_commit(9, 200, 210)}),
            (Told{"DDL", "B Ix " + logical("freshet.ddl", 0, "rewrite 7") + " C"}));
  EXPECT_EQ(take({block(10, true), logical("freshet.ddl", 10), end_block(), stream_abort(10, 10),
                  block(10, true), change('I', 10, "x"), end_block(), stream_commit(10, 300, 310)}),
            Told{"B Ix C"});
}

TEST_F(AssemblerTest, GivesAStreamedTransactionTheShapeOfAnOrdinaryOne) {
  EXPECT_EQ(take({begin(100, 5), change('R', "t"), change('I', "x"), commit(100, 110)}),
            Told{"B Rt Ix C"});
  EXPECT_EQ(take({block(9, true), change('O', "from"), change('R', 9, "t"), change('I', 9, "x"),
                  end_block(), stream_commit(9, 200, 210, 8)}),
            Told{"B Ofrom Rt Ix C"});
  ASSERT_EQ(parts_.size(), 2U);
  EXPECT_EQ(parts_[1].commit_lsn, Lsn{200});
  EXPECT_EQ(parts_[1].end_lsn, Lsn{210});
  EXPECT_EQ(parts_[1].commit_time - parts_[0].commit_time, std::chrono::microseconds(1));
  EXPECT_TRUE(parts_[1].first && parts_[1].last);

  // Byte for byte: only the transaction's id is not the one of a Begin in this test's notation.
  const std::string expected = begin(200, 9, 8);
  EXPECT_EQ(as_text(parts_[1].messages.subspan(4, expected.size())), expected);
  EXPECT_TRUE(as_text(parts_[1].messages).ends_with(commit(200, 210, 8)));
}

TEST_F(AssemblerTest, LetsOthersPassATransactionInProgress) {
  EXPECT_EQ(take({block(9, true), change('I', 9, "big"), end_block()}), Told{});
  EXPECT_EQ(take({begin(100, 10), change('I', "small"), commit(100, 110)}), Told{"B Ismall C"});
  EXPECT_EQ(take({block(11, true), change('I', 11, "other"), end_block(), block(9, false),
                  change('I', 9, "more"), end_block(), stream_commit(11, 200, 210)}),
            Told{"B Iother C"});
  EXPECT_EQ(take({stream_commit(9, 300, 310)}), Told{"B Ibig Imore C"});
  EXPECT_EQ(assembler_.spooled_bytes(), 0U);
}

TEST_F(AssemblerTest, DropsWhatWasRolledBackAndNothingElse) {
  EXPECT_EQ(take({block(9, true), change('I', 9, "1"), change('R', 10, "altered"),
                  change('I', 10, "2"), change('I', 11, "nested"), end_block(), stream_abort(9, 11),
                  block(9, false), change('I', 10, "3"), end_block(), stream_abort(9, 10),
                  block(9, false), change('R', 9, "t"), change('I', 12, "4"), change('I', 9, "5"),
                  end_block(), stream_commit(9, 200, 210)}),
            Told{"B I1 Rt I4 I5 C"});
}

TEST_F(AssemblerTest, ForgetsATransactionThatIsRolledBackAsAWhole) {
  EXPECT_EQ(take({block(9, true), change('R', 9, "t"), change('I', 9, std::string(5000, 'x')),
                  end_block()}),
            Told{});
  EXPECT_GT(assembler_.spooled_bytes(), 5000U);
  EXPECT_EQ(take({stream_abort(9, 9), stream_abort(77, 77), stream_abort(77, 78)}), Told{});
  EXPECT_EQ(assembler_.spooled_bytes(), 0U);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "spool"));
  // The id may come again, long after.
  EXPECT_EQ(take({block(9, true), change('I', 9, "x"), end_block(), stream_commit(9, 300, 310)}),
            Told{"B Ix C"});
}

TEST_F(AssemblerTest, SaysThePositionOfATransactionInWhichNothingIsLeft) {
  EXPECT_EQ(take({begin(100, 5), commit(100, 110)}), Told{"idle 110"});
  EXPECT_EQ(take({block(9, true), end_block(), stream_commit(9, 200, 210)}), Told{"idle 210"});
  EXPECT_EQ(take({block(9, true), change('I', 10, std::string(100'000, 'x')), change('R', 10, "t"),
                  end_block(), stream_abort(9, 10), stream_commit(9, 300, 310)}),
            Told{"idle 310"});
}

TEST_F(AssemblerTest, CutsAStreamedTransactionIntoPartsThatFollowEachOther) {
  std::vector<std::string> messages = {block(9, true)};
  std::string all = "B";
  for (int i = 0; i < 500; ++i) {
    const std::string body = std::to_string(i) + std::string(40, '.');
    messages.push_back(change('I', i % 5 == 0 ? 10 : 9, body));
    if (i % 5 != 0) all += " I" + body;
  }
  messages.insert(messages.end(), {end_block(), stream_abort(9, 10)});
  take(messages);
  ASSERT_TRUE(assembler_.take(as_bytes(stream_commit(9, 200, 210))).ok());

  std::string got;
  int parts = 0;
  for (; assembler_.ready(); ++parts) {
    EXPECT_TRUE(assembler_.inside());
    const TransactionPart part = *assembler_.give().value().part;
    EXPECT_EQ(part.first, parts == 0);
    EXPECT_EQ(part.last, !assembler_.ready());
    EXPECT_EQ(part.end_lsn, part.last ? Lsn{210} : Lsn{});
    EXPECT_EQ(part.commit_lsn, Lsn{200});
    EXPECT_LE(part.messages.size(), 1100U);
    got += (got.empty() ? "" : " ") + told(part.messages);
  }
  EXPECT_GT(parts, 15);
  EXPECT_EQ(got, all + " C");
  EXPECT_FALSE(assembler_.inside());
}

TEST_F(AssemblerTest, RefusesWhatMakesNoSense) {
  EXPECT_EQ(refusal(change('I', "x")), "08P01");
  EXPECT_EQ(refusal(commit(100, 110)), "08P01");
  EXPECT_EQ(refusal(end_block()), "08P01");
  EXPECT_EQ(refusal(stream_commit(9, 100, 110)), "08P01");
  EXPECT_EQ(refusal(block(9, false)), "08P01");
  EXPECT_EQ(refusal("S"), "08P01");
  EXPECT_EQ(refusal("A123"), "08P01");

  EXPECT_EQ(refusal(block(9, true)), "taken");
  EXPECT_EQ(refusal(block(10, true)), "08P01");
  EXPECT_EQ(refusal(begin(100, 5)), "08P01");
  EXPECT_EQ(refusal(stream_abort(9, 9)), "08P01");
  EXPECT_EQ(refusal("I12"), "08P01");
  EXPECT_EQ(refusal(end_block()), "taken");
  EXPECT_EQ(refusal(block(9, true)), "08P01");
  EXPECT_EQ(refusal(stream_commit(9, 110, 110)), "08P01");

  EXPECT_EQ(refusal(begin(100, 5)), "taken");
  EXPECT_EQ(refusal(begin(100, 5)), "08P01");
  EXPECT_EQ(refusal(block(9, false)), "08P01");
  EXPECT_EQ(refusal(commit(101, 110)), "08P01");
}

TEST_F(AssemblerTest, RefusesBlocksThatItDidNotAskFor) {
  Assembler assembler(1000, std::nullopt);
  for (const auto& message : {block(9, true), stream_abort(9, 9), stream_commit(9, 100, 110)}) {
    EXPECT_FALSE(assembler.take(as_bytes(message)).ok());
  }
}

class LinesTest : public AssemblerTest {
 protected:
  std::vector<std::string> take_lines(const std::vector<std::string>& lines, Lsn end) {
    std::vector<std::string> out;
    for (const std::string& line : lines) {
      // Only the last line of a transaction has a position.
      const Result<> taken = assembler_.take_line(line, line.starts_with("COMMIT") ? end : Lsn{});
      EXPECT_TRUE(taken.ok()) << taken.error().message;
      while (assembler_.ready()) note(out);
    }
    return out;
  }
  std::string line_refusal(const std::string& line, Lsn at = {}) {
    const Result<> taken = assembler_.take_line(line, at);
    return taken.ok() ? "taken" : taken.error().sqlstate;
  }
};

const std::string committed = "COMMIT (at 2000-01-01 00:00:00.000007+00)";

TEST_F(LinesTest, GivesLinesTheShapeOfAnOrdinaryTransaction) {
  EXPECT_EQ(take_lines({"BEGIN", "table public.t: INSERT: id[integer]:1", committed}, Lsn{110}),
            Told{"B #table public.t: INSERT: id[integer]:1 C"});
  ASSERT_EQ(parts_.size(), 1U);
  EXPECT_TRUE(parts_[0].first && parts_[0].last);
  EXPECT_EQ(parts_[0].commit_lsn, Lsn{109});
  EXPECT_EQ(parts_[0].end_lsn, Lsn{110});
  EXPECT_EQ(parts_[0].commit_time,
            Time(std::chrono::seconds(946684800)) + std::chrono::microseconds(7));
  EXPECT_FALSE(assembler_.inside());
}

TEST_F(LinesTest, TakesTransactionIdsAndOtherOffsets) {
  take_lines({"BEGIN 693", "table a.b: DELETE: (no-tuple-data)",
              "COMMIT 693 (at 2000-01-01 05:30:00.000007+05:30)"},
             Lsn{20});
  ASSERT_EQ(parts_.size(), 1U);
  EXPECT_EQ(parts_[0].commit_time,
            Time(std::chrono::seconds(946684800)) + std::chrono::microseconds(7));
}

TEST_F(LinesTest, KeepsALargeTransactionOutOfMemoryUntilItsEnd) {
  const std::string row = "table public.t: INSERT: x[text]:'" + std::string(400, 'x') + "'";
  ASSERT_TRUE(assembler_.take_line("BEGIN", {}).ok());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(assembler_.take_line(row, {}).ok());
    EXPECT_FALSE(assembler_.ready());
    EXPECT_TRUE(assembler_.inside());
  }
  EXPECT_TRUE(assembler_.spools_lines());
  EXPECT_GT(
      std::filesystem::file_size(*std::filesystem::directory_iterator(folder_.path() / "spool")),
      7000U);
  ASSERT_TRUE(assembler_.take_line(committed, Lsn{50}).ok());
  std::vector<std::string> out;
  while (assembler_.ready()) note(out);
  ASSERT_GT(parts_.size(), 5U);
  std::size_t lines = 0;
  for (const std::string& part : out)
    lines += static_cast<std::size_t>(std::ranges::count(part, '#'));
  EXPECT_EQ(lines, 20U);
  EXPECT_TRUE(parts_.front().first && !parts_.front().last);
  EXPECT_EQ(parts_.front().commit_lsn, Lsn{49});
  EXPECT_TRUE(parts_.back().last);
  EXPECT_EQ(parts_.back().end_lsn, Lsn{50});
  EXPECT_EQ(assembler_.spooled_bytes(), 0U);
}

TEST_F(LinesTest, TellsOnlyThePositionOfAnEmptyTransactionAndLeavesOutLogicalMessages) {
  EXPECT_EQ(take_lines({"BEGIN", committed}, Lsn{30}), Told{"idle 30"});
  EXPECT_EQ(take_lines({"message: transactional: 0 prefix: a, sz: 1 content:x", "BEGIN",
                        "message: transactional: 1 prefix: a, sz: 1 content:x", committed},
                       Lsn{40}),
            Told{"idle 40"});
}

TEST_F(LinesTest, RefusesWhatMakesNoSense) {
  EXPECT_EQ(line_refusal("table public.t: INSERT: id[integer]:1"), "08P01");
  EXPECT_EQ(line_refusal(committed, Lsn{9}), "08P01");
  EXPECT_EQ(line_refusal("BEGINNING"), "08P01");
  EXPECT_EQ(line_refusal("BEGIN"), "taken");
  EXPECT_EQ(line_refusal("BEGIN"), "08P01");
  EXPECT_EQ(line_refusal(committed), "08P01");  // without a position
  EXPECT_EQ(line_refusal("COMMIT 7", Lsn{9}), "08P01");
  EXPECT_EQ(line_refusal("COMMIT (at sometime)", Lsn{9}), "08P01");
}

}  // namespace
}  // namespace freshet::source
