#include "source/lease.h"

#include <gtest/gtest.h>

#include "postgres/shared_scratch_server.h"

namespace freshet::source {
namespace {

using postgres::Connection;
using std::chrono::seconds;

class LeaseTest : public testing::Test {
 protected:
  static std::unique_ptr<Connection> connect(const Owner& owner) {
    return Connection::connect(postgres::shared_scratch_server().url("lease"),
                               {.application_name = owner.application_name()})
        .value();
  }

  const std::unique_ptr<Connection> admin_ = postgres::connect_to_new_database("lease");
  const Names names_ = names_for("shop");
  const Owner first_{"shop", "0a0a0a0a"};
  const Owner copy_{"shop", "0a0a0a0a"};  // another process on a copy of the same data folder
};

TEST(Owner, KnowsItsInstallationOnly) {
  const Owner owner("shop", "0a0a0a0a");
  EXPECT_TRUE(owner.same_installation(owner.application_name()));
  EXPECT_TRUE(owner.same_installation(Owner("shop", "0a0a0a0a").application_name()));
  EXPECT_FALSE(owner.same_installation(Owner("shop", "0b0b0b0b").application_name()));
  EXPECT_FALSE(owner.same_installation(Owner("shop2", "0a0a0a0a").application_name()));
  EXPECT_FALSE(owner.same_installation("freshet"));
  EXPECT_FALSE(owner.same_installation(""));
}

TEST(Owner, FitsIntoAnApplicationName) {
  const Owner one(std::string(40, 'x'), "0a0a0a0a");
  const Owner other(std::string(40, 'x'), "0a0a0a0a");
  EXPECT_EQ(one.application_name().size(), 63U);
  EXPECT_NE(one.application_name(), other.application_name());
}

TEST_F(LeaseTest, IsForOneAtATime) {
  const auto holder = connect(first_);
  auto other = connect(copy_);
  ASSERT_TRUE(take_lease(*holder, names_, first_).ok());
  const Result<> refused = take_lease(*other, names_, copy_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "55006");
  EXPECT_EQ(refused.error().fault, Fault::Transient);
  EXPECT_NE(refused.error().detail.find(first_.application_name()), std::string::npos);
  EXPECT_TRUE(holder->query("SELECT 1").ok());
}

TEST_F(LeaseTest, IsPerSource) {
  const auto holder = connect(first_);
  const auto other = connect(copy_);
  ASSERT_TRUE(take_lease(*holder, names_, first_).ok());
  EXPECT_TRUE(take_lease(*other, names_for("stock"), copy_).ok());
}

TEST_F(LeaseTest, EndsWithItsConnection) {
  auto holder = connect(first_);
  ASSERT_TRUE(take_lease(*holder, names_, first_).ok());
  holder.reset();
  const auto other = connect(copy_);
  EXPECT_TRUE(take_lease(*other, names_, copy_).ok());
}

TEST_F(LeaseTest, IsTakenFromAHolderThatFellSilent) {
  const auto holder = connect(first_);
  ASSERT_TRUE(take_lease(*holder, names_, first_).ok());
  const auto other = connect(copy_);
  EXPECT_TRUE(take_lease(*other, names_, copy_, seconds(0)).ok());
  EXPECT_FALSE(holder->query("SELECT 1").ok());
}

// The connection broke on our side only; there is no need to wait for the server to notice.
TEST_F(LeaseTest, IsTakenFromAConnectionOfTheSameProcess) {
  const auto before = connect(first_);
  ASSERT_TRUE(take_lease(*before, names_, first_).ok());
  const auto again = connect(first_);
  EXPECT_TRUE(take_lease(*again, names_, first_).ok());
  EXPECT_FALSE(before->query("SELECT 1").ok());
}

}  // namespace
}  // namespace freshet::source
