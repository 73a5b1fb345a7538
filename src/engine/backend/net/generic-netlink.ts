import {
  CTRL_ATTR_FAMILY_ID,
  CTRL_ATTR_FAMILY_NAME,
  CTRL_CMD_GETFAMILY,
  GENL_ID_CTRL,
} from "../sys/devmem.js";
import { NETLINK_GENERIC } from "../sys/netlink.js";
import { attributesOf, attributeText, Netlink } from "./netlink.js";

const GENL_HEADER_BYTES = 4;

/**
 * One family of generic netlink.
 *
 *      genlmsghdr [command u8][version u8][0 u16] attributes ...
 *
 * What the kernel ties to the socket, such as a devmem binding, goes when it is closed.
 */
export class GenericNetlink {
  readonly #netlink = new Netlink(NETLINK_GENERIC);
  readonly #family: number;

  /** @throws SystemError where the kernel has no such family. */
  constructor(name: string) {
    const wanted = attributeText(CTRL_ATTR_FAMILY_NAME, name);
    const [answer] = this.#ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, wanted, `family ${name}`);
    this.#family = answer!.get(CTRL_ATTR_FAMILY_ID)!.readUInt16LE();
  }

  /** Sends a command; answers the attributes of each answer. */
  command(
    command: number,
    flags: number,
    attributes: Buffer,
    what: string,
  ): Array<Map<number, Buffer>> {
    return this.#ask(this.#family, command, flags, attributes, what);
  }

  close(): void {
    this.#netlink.close();
  }

  #ask(
    family: number,
    command: number,
    flags: number,
    attributes: Buffer,
    what: string,
  ): Array<Map<number, Buffer>> {
    const payload = Buffer.concat([Buffer.from([command, 1, 0, 0]), attributes]);
    const answers = this.#netlink.request(family, flags, payload, what);
    return answers.map((answer) => attributesOf(answer.subarray(GENL_HEADER_BYTES)));
  }
}
