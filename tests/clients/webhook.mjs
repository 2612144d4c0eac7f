// A webhook is asked for; the receiver is the test's.
import { BROKEN, submit } from "./recipes.mjs";

console.log(await submit(BROKEN, { webhookUrl: process.env.WEBHOOK_URL }));
