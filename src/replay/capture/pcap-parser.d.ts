/** What is used of pcap-parser 0.2.1, which ships no types. */
declare module "pcap-parser" {
  export interface PcapPacket {
    readonly header: {
      readonly timestampSeconds: number;
      readonly timestampMicroseconds: number;
      readonly capturedLength: number;
      readonly originalLength: number;
    };
    readonly data: Buffer;
  }

  export interface PcapParser {
    on(event: "packet", listener: (packet: PcapPacket) => void): this;
    on(event: "error", listener: (error: Error) => void): this;
  }

  const pcapParser: { parse(input: NodeJS.EventEmitter): PcapParser };
  export default pcapParser;
}
