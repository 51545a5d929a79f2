import { describe, expect, test } from "@jest/globals";
import { auditEvent } from "../../examples/webhooks/audit-event.js";

const sender = { login: "octocat", id: 1 };
const repository = { full_name: "octo/hello" };

describe("a webhook as an audit event", () => {
  test("says who did what to which repository, with the changed object and its values before", () => {
    const changes = { title: { from: "Bug" } };
    const payload = { action: "edited", sender, repository, changes, issue: { number: 7, title: "A bug" } };
    expect(auditEvent({ edition: "ghes-35", name: "issues", payload })).toEqual({
      event: {
        message: "issues edited in octo/hello by octocat",
        action: "issues.edited",
        actor: "octocat",
        target: "octo/hello",
        source: "ghes-35",
        new: { number: 7, title: "A bug" },
        old: { title: { from: "Bug" } },
      },
      leftOut: [],
    });
  });

  test("takes the rest of the payload where no object has the webhook's name", () => {
    const payload = { sender, repository, ref: "refs/heads/main", forced: true };
    expect(auditEvent({ edition: "api.github.com", name: "push", payload }).event.new).toEqual({
      ref: "refs/heads/main",
      forced: true,
    });
  });

  test("logs no object where the payload has nothing but who and where", () => {
    const payload = { action: "started", sender, repository };
    expect(auditEvent({ edition: "api.github.com", name: "watch", payload }).event).not.toHaveProperty("new");
  });

  test("says the webhook's whole name and its action, however long", () => {
    const webhook = { edition: "ghes-35", name: "pull_request_review_comment", payload: { action: "created" } };
    expect(auditEvent(webhook).event.action).toBe("pull_request_review_comment.created");
    expect(auditEvent(webhook).event.message).toBe("pull request review comment created");
  });

  test("reports an object of 262,145 bytes and leaves it out, and keeps one of 262,144", () => {
    const withBody = (length: number) => {
      const body = "x".repeat(length - JSON.stringify({ body: "" }).length);
      return auditEvent({ edition: "ghes-35", name: "issues", payload: { issue: { body } } });
    };
    expect(withBody(262_144)).toMatchObject({ event: { new: { body: expect.any(String) } }, leftOut: [] });
    expect(withBody(262_145).leftOut).toEqual(["new"]);
    expect(withBody(262_145).event).not.toHaveProperty("new");
  });
});
