import { NETLINK_GENERIC, NLM_F_DUMP } from "../sys/netlink.js";
import { attributesOf, attributeText, Netlink } from "./netlink.js";

const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

/** One family of generic netlink, such as `netdev` or `ethtool`. */
export class GenericNetlink {
  readonly #netlink = new Netlink(NETLINK_GENERIC);
  readonly #family: number;
  readonly #name: string;

  /** @throws SystemError ENOENT where the kernel has no such family. */
  constructor(name: string) {
    this.#name = name;
    try {
      const ask = message(CTRL_CMD_GETFAMILY, attributeText(CTRL_ATTR_FAMILY_NAME, name));
      const [answer] = this.#netlink.request(GENL_ID_CTRL, 0, ask, `family ${name}`);
      this.#family = attributesOf(answer!.subarray(4)).get(CTRL_ATTR_FAMILY_ID)!.readUInt16LE();
    } catch (error) {
      this.#netlink.close();
      throw error;
    }
  }

  /** Sends a command; answers the attributes of each message that comes back. */
  request(command: number, attributes: Buffer, dump = false): Array<Map<number, Buffer>> {
    const flags = dump ? NLM_F_DUMP : 0;
    const what = `${this.#name} command ${command}`;
    return this.#netlink
      .request(this.#family, flags, message(command, attributes), what)
      .map((answer) => attributesOf(answer.subarray(4)));
  }

  close(): void {
    this.#netlink.close();
  }
}

/** struct genlmsghdr [command u8][version u8][reserved u16] and attributes. */
function message(command: number, attributes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([command, 1, 0, 0]), attributes]);
}
